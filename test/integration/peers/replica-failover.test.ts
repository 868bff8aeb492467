import { execFileSync } from "node:child_process";
import { formatForDriver, parseDatabaseUrl } from "../../../manager/src/url";
import { createPool } from "../../../manager/src/pool";
import { describeWhere } from "../../support/describe-where";
import { startStreamingStandby } from "../../support/plain-server";
import type { PlainServer } from "../../support/plain-server";
import { until } from "../../support/pool";
import { startSwitch } from "../sessions/standby";
import type { Switch } from "../sessions/standby";
import { APP, caughtUp, loginOf, managerOf, startAgain, startReplicatedPair } from "./replicated-pair";
import type { ReplicatedPair } from "./replicated-pair";

let pair: ReplicatedPair;
let address: Switch;

beforeAll(async () => {
  pair = await startReplicatedPair();
  address = await startSwitch(pair.primary.port);
  await as(pair.primary, "CREATE TABLE writes (id int)");
  await caughtUp(pair);
});
afterAll(async () => {
  await address?.stop();
  await pair?.stop();
});

async function as(server: PlainServer, sql: string): Promise<Record<string, unknown>[]> {
  const pool = createPool({ ...loginOf(server), max: 1 });
  try {
    return (await pool.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await pool.close();
  }
}

function psqlMissing(): string | undefined {
  try {
    execFileSync("psql", ["--version"], { stdio: "ignore", timeout: 10_000 });
    return undefined;
  } catch {
    return "psql is not on the PATH";
  }
}

describeWhere(psqlMissing(), "a URL of several hosts, as libpq takes it", () => {
  const asked = (attributes: string, first: PlainServer, second: PlainServer): string => {
    const url = `postgresql://${APP.user}:${encodeURIComponent(APP.password)}@127.0.0.1:${first.port},127.0.0.1:${second.port}/${APP.database}?target_session_attrs=${attributes}`;
    const conninfo = formatForDriver(parseDatabaseUrl(url), "libpq");
    return execFileSync("psql", ["-XAt", conninfo, "-c", "SELECT inet_server_port()"], { encoding: "utf8", timeout: 10_000, env: { PATH: process.env["PATH"] } }).trim();
  };

  test("leads to the primary or the standby as target_session_attrs says, whichever stands first", () => {
    const { primary, standby } = pair;
    for (const [first, second] of [[primary, standby], [standby, primary]] as const) {
      expect(asked("read-write", first, second)).toBe(String(primary.port));
      expect(asked("standby", first, second)).toBe(String(standby.port));
      expect(asked("any", first, second)).toBe(String(first.port));
    }
  });

  test("is refused for node-postgres, which would not look whether a server takes writes", () => {
    expect(() => formatForDriver(parseDatabaseUrl("postgresql://a:b@one,two/c?target_session_attrs=read-write"), "node-postgres")).toThrow(expect.objectContaining({ code: "DATABASE_URL_NOT_EXPRESSIBLE" }) as Error);
  });
});

test("when the primary is killed under load and the standby promoted, what was confirmed is there once, and nothing is on two servers", async () => {
  const { primary, standby } = pair;
  // Confirmed means confirmed by the standby; set now, so that the standby's own configuration does not have it.
  await primary.run(`ALTER ROLE ${APP.user} SET synchronous_commit = remote_apply`, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()");
  const manager = await managerOf(address.port).open();
  const confirmed: number[] = [];
  const failed: { id: number; code: unknown }[] = [];
  const changes: unknown[] = [];
  manager.on("primary", ({ from, to }) => changes.push([from?.timeline, to.timeline]));
  let next = 0;
  let ending = false;
  const writer = async (): Promise<void> => {
    while (!ending) {
      const id = ++next;
      await manager.session({ operation: "write", deadlineMs: 1_500 }, (session) => session.query("INSERT INTO writes VALUES ($1)", [id])).then(
        () => confirmed.push(id),
        (error: { code?: unknown }) => failed.push({ id, code: error.code }),
      );
    }
  };
  const writers = [writer(), writer(), writer()];
  try {
    await until(() => confirmed.length > 50, "the load runs");
    await primary.kill("SIGKILL");
    standby.promote();
    await until(async () => (await standby.run("SELECT pg_is_in_recovery() AS r"))[0]?.["r"] === false, "the standby is promoted", 20_000);
    address.to(standby.port, "cut");
    const before = confirmed.length;
    await until(() => confirmed.length > before + 50, "the promoted standby serves", 20_000);
    // The old primary comes back as if nothing had happened, behind the same address.
    await startAgain(primary);
    address.to(primary.port, "cut");
    await until(() => failed.some(({ code }) => code === "PRIMARY_STALE"), "the old primary is refused", 20_000);
    address.to(standby.port, "cut");
    const after = confirmed.length;
    await until(() => confirmed.length > after + 50, "the new primary serves again", 20_000);
  } finally {
    ending = true;
    await Promise.all(writers);
    await manager.close({ graceMs: 0 });
  }
  const rows = async (server: PlainServer): Promise<{ id: number; n: number }[]> => (await as(server, "SELECT id, count(*)::int AS n FROM writes GROUP BY id")) as { id: number; n: number }[];
  const written = await rows(standby);
  const there = new Set(written.map(({ id }) => id));
  expect(written.filter(({ n }) => n > 1)).toEqual([]);
  expect(confirmed.filter((id) => !there.has(id))).toEqual([]);
  // What is there without having been confirmed is what nobody could know: a lost COMMIT.
  const known = new Set(confirmed);
  const unknown = new Set(failed.filter(({ code }) => code === "COMMIT_OUTCOME_UNKNOWN").map(({ id }) => id));
  expect([...there].filter((id) => !known.has(id) && !unknown.has(id))).toEqual([]);
  // The old primary has nothing that was begun after the promotion, and at most the lost COMMITs beyond what the new one has.
  expect((await rows(primary)).filter(({ id }) => !there.has(id) && !unknown.has(id))).toEqual([]);
  expect(changes).toEqual([[1, 2]]);
});

test("the old primary that was made a standby of the new one is refused for writes, and read from", async () => {
  const { standby } = pair;
  // What pg_rewind does with less copying: the promoted server's files, at another port.
  const demoted = await startStreamingStandby(standby);
  try {
    address.to(demoted.port, "cut");
    await expect(managerOf(address.port).open()).rejects.toMatchObject({ code: "MANAGER_CONNECT_FAILED", cause: { code: "PRIMARY_IN_RECOVERY" } });
    const manager = await managerOf(standby.port, demoted.port).open();
    try {
      await until(async () => manager.readOnly({}, async (session) => (await session.query<{ port: number }>("SELECT inet_server_port() AS port")).rows[0]?.port === demoted.port), "it is read from");
      expect(await manager.session({}, async (session) => (await session.query<{ port: number }>("SELECT inet_server_port() AS port")).rows[0]?.port)).toBe(standby.port);
    } finally {
      await manager.close({ graceMs: 0 });
    }
  } finally {
    await demoted.stop();
  }
});
