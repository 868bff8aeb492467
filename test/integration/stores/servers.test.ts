import { spawn } from "node:child_process";
import { chownSync, existsSync, lstatSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { dirname, join } from "node:path";

import { isProcessAlive, processesOf } from "../../../components/local/server/running-process";
import { lookAtStore } from "../../../components/local/stores/ensure-store";
import { isAbsence } from "../../../components/local/stores/store-server";
import { describeWhere } from "../../support/describe-where";
import { putStoresOnPath } from "./programs";
import { ensureInChild, linkTarget, makeStoreStack, SERVERS } from "./stack";
import type { StoreStack } from "./stack";

const programs = putStoresOnPath();
afterAll(() => { if ("remove" in programs) programs.remove(); });

const whenRoot = process.getuid?.() === 0 ? test : test.skip;
/** `daemon`, which every Linux has, and nobody runs servers as. */
const ORDINARY_UID = 1;
const signal = new AbortController().signal;

describeWhere("missing" in programs ? programs.missing : undefined, "stores on this machine", () => {
  describe.each(["redis", "clickhouse"] as const)("%s", (kind) => {
    const { title, isServer } = SERVERS[kind];
    let stack: StoreStack;
    beforeEach(async () => { stack = await makeStoreStack(kind); });
    afterEach(async () => { await stack.remove(); });

    const data = () => join(stack.stackDirectory, kind, "data");
    const alive = () => processesOf(linkTarget(data()) ?? data(), isServer);

    test("starts once, is set up, passes its own validation, and keeps everything over a stop", async () => {
      const first = await stack.start();
      expect(first).toMatchObject({ host: "localhost", port: stack.port });
      expect(await stack.start()).toEqual(first);
      expect(stack.progress).toEqual([]);
      const store = await stack.open();
      expect((await store.observe()).token).toBeNull();
      await store.setUp("token-1", signal);
      expect(await store.observe()).toEqual({ token: "token-1", findings: [] });
      const evidence = await store.validate();
      expect(evidence.map(({ rule }) => rule)).toContain(`${kind}-access`);
      expect(evidence.filter(({ rule, status }) => rule === `${kind}-access` && status !== "passed")).toEqual([]);
      expect(await stack.stop()).toBe(true);
      expect(alive()).toEqual([]);
      expect(await stack.stop()).toBe(false);
      expect(await lookAtStore(SERVERS[kind], { ...stack, progress: () => undefined })).toEqual({ reason: `${title} does not run: it was stopped`, fix: "npm run up" });
      expect(await (await stack.open()).observe()).toEqual({ token: "token-1", findings: [] });
    });

    test("after a SIGKILL it is started again, on the same port and with the same data", async () => {
      const store = await stack.open();
      await store.setUp("token-1", signal);
      process.kill(stack.pid(), "SIGKILL");
      const again = await stack.open();
      expect(await again.observe()).toEqual({ token: "token-1", findings: [] });
      expect((await stack.start()).port).toBe(stack.port);
    });

    test("two commands at once start one server, and both get it; it outlives the SIGKILL of both", async () => {
      const children = [ensureInChild(kind, stack), ensureInChild(kind, stack)];
      const [first, second] = await Promise.all(children.map(({ result }) => result));
      expect(first).toEqual(second);
      expect(first).toMatchObject({ host: "localhost" });
      for (const { process: child } of children) {
        try {
          process.kill(-child.pid!, "SIGKILL");
        } catch (error) {
          expect(error).toMatchObject({ code: "ESRCH" });
        }
      }
      expect(alive()).toEqual([stack.pid()]);
    });

    test("what a command started and did not live to write down is ended, and one server is there in the end", async () => {
      await stack.start();
      const lost = stack.pid();
      rmSync(join(stack.stackDirectory, kind, "process.json"));
      await stack.start();
      expect(stack.pid()).not.toBe(lost);
      expect(alive()).toEqual([stack.pid()]);
      rmSync(join(stack.stackDirectory, kind, "process.json"));
      expect(await stack.stop()).toBe(true);
      expect(alive()).toEqual([]);
    });

    test("a process that got the noted id later is a stranger, and is left alone", async () => {
      await stack.start();
      await stack.stop();
      const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
      try {
        writeFileSync(join(stack.stackDirectory, kind, "process.json"), JSON.stringify({ pid: stranger.pid, startIdentity: "another boot:1" }));
        expect(await stack.stop()).toBe(false);
        await stack.start();
        expect(stack.pid()).not.toBe(stranger.pid);
        await stack.destroy();
        expect(isProcessAlive(stranger.pid!)).toBe(true);
      } finally {
        stranger.kill("SIGKILL");
      }
    });

    test("a port that is taken is passed over, and the next one is kept from then on", async () => {
      const other = createServer();
      await once(other.listen(stack.port, "127.0.0.1"), "listening");
      try {
        const { port } = await stack.start();
        expect(port).toBeGreaterThan(stack.port);
        expect(stack.progress.join("\n")).toContain(`port ${stack.port} is taken by another program`);
      } finally {
        other.close();
      }
      const { port } = await stack.start();
      await stack.stop();
      expect((await stack.start()).port).toBe(port);
    });

    test("another configuration, or lost certificates, restart it", async () => {
      const first = await stack.start();
      const [file] = [...SERVERS[kind].configuration({ ...first, dataDirectory: first.dataDirectory })].map(([name]) => name);
      writeFileSync(join(first.dataDirectory, file!), "nonsense");
      expect(await stack.start()).toEqual(first);
      expect(stack.progress).toContain(`restarting ${title}: its configuration has changed`);
      rmSync(join(stack.stackDirectory, "tls"), { recursive: true });
      const last = await stack.start();
      expect(last.ca).not.toBe(first.ca);
      expect(stack.progress).toContain(`restarting ${title}: its certificates are lost or run out soon`);
      expect(await stack.start()).toEqual(last);
    });

    test("a program that does not start is an absence with the end of its log, and costs nobody anything", async () => {
      const program = join(stack.checkout, "broken");
      writeFileSync(program, "#!/bin/sh\necho it begins\necho no such directive >&2\nexit 3\n", { mode: 0o755 });
      expect(await stack.ensure({ findProgram: () => Promise.resolve({ program, args: [], version: "7.2.0" }) })).toEqual({ reason: `${title} did not start (exit status 3): no such directive`, fix: `npx bulkhead logs ${kind}` });
      expect(await stack.ensure({ findProgram: () => Promise.resolve({ program: join(stack.checkout, "gone"), args: [], version: "7.2.0" }) })).toMatchObject({ reason: expect.stringContaining("ENOENT") as string });
      await stack.start();
    });

    test("a program that is not there is an absence, and nothing is made for it", async () => {
      const absence = { reason: "not on this machine", fix: "install it" };
      expect(await stack.ensure({ findProgram: () => Promise.resolve(absence) })).toEqual(absence);
      expect(existsSync(stack.stackDirectory)).toBe(false);
      expect(await lookAtStore(SERVERS[kind], { ...stack, progress: () => undefined })).toEqual({ reason: `${title} does not run: it was not made yet`, fix: "npm run up" });
    });

    test("Ctrl-C during a start leaves no process behind, and the next start succeeds", async () => {
      const interruption = new AbortController();
      // The moment when the process is being started.
      const args = (directory: string) => {
        interruption.abort(new Error("interrupted"));
        return SERVERS[kind].args(directory);
      };
      const attempt = stack.ensure({ args }, interruption.signal);
      await expect(attempt).rejects.toThrow("interrupted");
      expect(alive()).toEqual([]);
      await stack.start();
    });

    test("destroying it removes process, data, log and port, and nothing else", async () => {
      await stack.start();
      const [pid, { dataDirectory }] = [stack.pid(), await stack.start()];
      await stack.destroy();
      expect(isProcessAlive(pid)).toBe(false);
      expect([existsSync(dataDirectory), existsSync(join(stack.stackDirectory, kind))]).toEqual([false, false]);
      expect(existsSync(join(stack.stackDirectory, "tls"))).toBe(true);
      await stack.destroy();
    });

    whenRoot("as root it runs as another user, and what is kept for that user is closed to the rest", async () => {
      const { dataDirectory } = await stack.start();
      expect(statSync(`/proc/${stack.pid()}`).uid).not.toBe(0);
      expect(statSync(dataDirectory).mode & 0o777).toBe(0o700);
    });

    whenRoot("in a checkout that the server's user cannot reach, data is kept elsewhere and is found again", async () => {
      const closed = await makeStoreStack(kind, { mode: 0o700 });
      try {
        const store = await closed.open();
        await store.setUp("token-1", signal);
        const link = join(closed.stackDirectory, kind, "data");
        expect(lstatSync(link).isSymbolicLink()).toBe(true);
        const lost = closed.pid();
        rmSync(join(closed.stackDirectory, kind), { recursive: true });
        await closed.start();
        expect(closed.progress.join("\n")).toContain("taking up the data");
        expect(isProcessAlive(lost)).toBe(false);
        expect((await (await closed.open()).observe()).token).toBe("token-1");
      } finally {
        await closed.remove();
      }
    });

    whenRoot("in an ordinary user's checkout it runs as that user, who goes on without root", async () => {
      chownSync(stack.checkout, ORDINARY_UID, ORDINARY_UID);
      const first = await stack.start();
      expect(statSync(`/proc/${stack.pid()}`).uid).toBe(ORDINARY_UID);
      expect(await ensureInChild(kind, stack, ORDINARY_UID).result).toEqual(first);
      await stack.stop();
      const own = await ensureInChild(kind, stack, ORDINARY_UID).result;
      expect(own).toEqual(first);
      expect(statSync(`/proc/${stack.pid()}`).uid).toBe(ORDINARY_UID);
    });
  });

  test("Redis whose admin's secret is lost is restarted with a new one, and its users are set up again", async () => {
    const stack = await makeStoreStack("redis");
    try {
      await (await stack.open()).setUp("token-1", signal);
      const secret = join(stack.stackDirectory, "secrets", "redis-admin.json");
      const before = readFileSync(secret, "utf8");
      rmSync(secret);
      const store = await stack.open();
      expect(readFileSync(secret, "utf8")).not.toBe(before);
      expect((await store.observe()).token).toBe("token-1");
      expect(dirname(secret)).toBe(join(stack.stackDirectory, "secrets"));
    } finally {
      await stack.remove();
    }
  });

  test("stacks side by side have servers, ports and data of their own", async () => {
    const [one, other] = [await makeStoreStack("redis"), await makeStoreStack("redis")];
    try {
      const [first, second] = await Promise.all([one.ensure(), other.ensure({}, signal)]);
      if (isAbsence(first) || isAbsence(second)) throw new Error("absent");
      expect(first.port).not.toBe(second.port);
      await one.stop();
      expect(isProcessAlive(other.pid())).toBe(true);
    } finally {
      await one.remove();
      await other.remove();
    }
  });
});
