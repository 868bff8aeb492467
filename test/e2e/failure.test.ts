import { execFileSync } from "node:child_process";

import { clientConfig, withSession } from "../../manager/src/postgres/connect";
import { readSecretFile } from "../../manager/src/secrets/file-store";
import { Checkout, processesIn } from "../support/checkout";
import type { RunningCommand, UpJson } from "../support/checkout";

// Whatever stops an `up`, at whatever moment: the next one converges, and nothing is left running or locked.

const SERVICES = "auth: { port: 5500 }, payment: { port: 3004 }, l2p: { port: 3001 }";
const LOCKS = ".pulumi/locks/organization/bulkhead/dev";
let checkout: Checkout;

beforeAll(async () => {
  checkout = await Checkout.create({ services: SERVICES });
});

afterAll(() => checkout.remove());

function readiness({ services }: UpJson): Record<string, boolean> {
  return Object.fromEntries(services.map(({ name, ready }) => [name, ready]));
}

const ALL_READY = { auth: true, payment: true, l2p: true };

/** Begins at nothing, so that every step is there to be interrupted. */
async function startAfresh(): Promise<void> {
  expect((await checkout.bulkhead(["down", "--destroy", "--yes"])).exitCode).toBe(0);
  checkout.rememberPort();
}

/** Ids of the engines that this command has started. */
function engineOf({ pid }: RunningCommand): number[] {
  return execFileSync("ps", ["axww", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([child, parent, program]) => (parent === String(pid) && /(^|\/)pulumi$/.test(program ?? "") ? [Number(child)] : []));
}

describe("a process that is killed", () => {
  // From the start of the engine to the end of the setups; what `up` says on stderr is the clock.
  test.each([
    ["the whole group, while the data directory is made", /making the data directory/, "group"],
    ["the whole group, while compartments are made", /made its database/, "group"],
    ["the command alone, while compartments are made", /applied schemas/, "command"],
    ["the engine alone, while compartments are made", /starting PostgreSQL/, "engine"],
  ] as const)("%s: the next up converges and validate finds nothing", async (_what, moment, victim) => {
    await startAfresh();
    const up = checkout.start(["up"]);
    await up.until(moment);
    if (victim === "engine") for (const pid of engineOf(up)) process.kill(pid, "SIGKILL");
    else process.kill(victim === "group" ? -up.pid : up.pid, "SIGKILL");
    expect((await up.done).exitCode).not.toBe(0);

    expect(readiness(await checkout.up())).toEqual(ALL_READY);
    expect((await checkout.bulkhead(["validate"])).exitCode).toBe(0);
    // Only the server's own processes are left, which are named postgres.
    const left = processesIn(checkout.root).map((pid) => execFileSync("ps", ["-o", "comm=", "-p", String(pid)], { encoding: "utf8" }).trim());
    expect(left.filter((name) => name !== "postgres")).toEqual([]);
  });

  test("the server: the next up starts it and changes nothing else", async () => {
    process.kill(checkout.postmaster()!, "SIGKILL");
    const { exitCode, stdout, stderr } = await checkout.bulkhead(["up"]);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: expect.stringContaining("Nothing to change") as string, stderr: expect.stringMatching(/starting PostgreSQL/) as string });
  });
});

describe("Ctrl-C", () => {
  test.each([
    ["of the terminal's whole group, while the data directory is made", /making the data directory/, "group"],
    ["of the command alone, while compartments are made", /made its database/, "command"],
  ] as const)("%s: ends with 130 soon, and the next up converges", async (_what, moment, receiver) => {
    await startAfresh();
    const up = checkout.start(["up"]);
    await up.until(moment);
    process.kill(receiver === "group" ? -up.pid : up.pid, "SIGINT");
    const { exitCode, stderr } = await up.done;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: expect.stringContaining("stopped by SIGINT") as string });
    expect(readiness(await checkout.up())).toEqual(ALL_READY);
  });
});

describe("two at once", () => {
  test("a second up waits for the first, and both succeed", async () => {
    await startAfresh();
    const [first, second] = await Promise.all([checkout.bulkhead(["up"]), checkout.bulkhead(["up"])]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    expect(`${first.stderr}${second.stderr}`).toMatch(/waiting for process \d+ \(bulkhead up of stack dev/);
  });

  test("beside Pulumi's own CLI at work an up is refused by the process that holds the lock", async () => {
    // A session of ours holds the provisioning lock, so that the plain `pulumi up` stays at work until it is let go.
    const admin = (await readSecretFile(checkout.path(".bulkhead/dev/secrets/admin.json")))!;
    checkout.write("schemas/auth/002_more.sql", "CREATE TABLE more (id bigint PRIMARY KEY);\n");
    checkout.write("schemas/auth/002_more.rollback.sql", "DROP TABLE more;\n");
    const pulumi = await withSession(clientConfig(admin, "test"), async (client) => {
      await client.query("SELECT pg_advisory_lock(hashtextextended('bulkhead provision', 0))");
      const running = checkout.pulumi(["up", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive"]);
      let waiting = 0;
      while (waiting === 0) waiting = (await client.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).rowCount ?? 0;
      const { exitCode, stderr } = await checkout.bulkhead(["up"]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/locked by a Pulumi that is at work on this machine: process \d+[\s\S]*STACK_LOCKED[\s\S]*next: wait for it/) as string });
      return running;
    });
    const { exitCode, stdout, stderr } = await pulumi.done;
    expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0 });
    expect((await checkout.up()).changes).toEqual({ same: expect.any(Number) as number });
  });

  test("a lock that a Pulumi on another machine holds is not taken away", async () => {
    const lock = `${LOCKS}/1d0a2f4e.json`;
    checkout.write(lock, JSON.stringify({ pid: 1, username: "somebody", hostname: "elsewhere", timestamp: "2026-01-01T00:00:00Z" }));
    const { exitCode, stderr } = await checkout.bulkhead(["up"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/on elsewhere[\s\S]*STACK_LOCKED[\s\S]*rm '/) as string });
    execFileSync("rm", [checkout.path(lock)]);
  });
});

describe("a setup that fails", () => {
  test("names service, file and statement, leaves the other services ready, and is done by the next up after mending", async () => {
    checkout.write("schemas/payment/002_broken.sql", "CREATE TABLE one (id bigint PRIMARY KEY);\nCREATE TABLE two (id bigint PRIMARY KEY);\nCREATE TABEL three (id bigint);\n");
    checkout.write("schemas/payment/002_broken.rollback.sql", "DROP TABLE two;\nDROP TABLE one;\n");
    checkout.write("schemas/l2p/002_more.sql", "CREATE TABLE more (id bigint PRIMARY KEY);\n");
    checkout.write("schemas/l2p/002_more.rollback.sql", "DROP TABLE more;\n");
    const failed = await checkout.bulkhead(["up"]);
    expect(failed.exitCode).toBe(1);
    expect(failed.stdout).toBe("");
    expect(failed.stderr).toMatch(/compartment of payment failed/);
    expect(failed.stderr).toMatch(/002_broken\.sql/);
    expect(failed.stderr).toMatch(/TABEL/);

    const { services } = await checkout.json<{ services: { name: string; ready: boolean; schemaVersion: number | null; nextAction: string | null }[] }>("status");
    expect(services.map(({ name, ready, schemaVersion }) => [name, ready, schemaVersion])).toEqual([["auth", true, 2], ["payment", false, 1], ["l2p", true, 2]]);
    expect(services[1]!.nextAction).toBe("npx bulkhead migrate status payment");

    checkout.write("schemas/payment/002_broken.sql", "CREATE TABLE one (id bigint PRIMARY KEY);\nCREATE TABLE two (id bigint PRIMARY KEY);\n");
    expect(readiness(await checkout.up())).toEqual(ALL_READY);
  });

  test("a migration without its rollback is named before anything runs", async () => {
    checkout.write("schemas/payment/003_alone.sql", "CREATE TABLE alone (id bigint PRIMARY KEY);\n");
    const { exitCode, stderr } = await checkout.bulkhead(["up"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/003_alone\.rollback\.sql/);
    execFileSync("rm", [checkout.path("schemas/payment/003_alone.sql")]);
    expect(readiness(await checkout.up())).toEqual(ALL_READY);
  });
});
