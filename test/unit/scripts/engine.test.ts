import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { checkState } from "../../../scripts/engine/check-state";
import { engineEnvironment, engineUnset } from "../../../scripts/engine/environment";
import { clearStaleLocks } from "../../../scripts/engine/stale-locks";

const folder = mkdtempSync(join(tmpdir(), "bulkhead-engine-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("locks of the file backend", () => {
  const signal = new AbortController().signal;
  /** Of a process that has ended, as far as anybody can be sure: ids are given out in a circle. */
  const ENDED = 2 ** 22 - 1;

  function lock(content: string): { locks: string; file: string } {
    const locks = mkdtempSync(join(folder, "locks-"));
    const file = join(locks, "1.json");
    writeFileSync(file, content);
    writeFileSync(`${file}.attrs`, "{}");
    return { locks, file };
  }

  const holder = (fields: object): string => JSON.stringify({ pid: ENDED, username: "me", hostname: hostname(), timestamp: "2026-01-01T00:00:00Z", ...fields });

  test("no folder means no locks", async () => {
    expect(await clearStaleLocks(join(folder, "missing"), signal)).toEqual([]);
  });

  test.each([
    ["of a process that has ended", holder({})],
    ["whose number another program has by now", holder({ pid: process.pid })],
    ["that was cut off while it was written", '{"pid": 1'],
  ])("one %s is removed with its attributes", async (_what, content) => {
    const { locks, file } = lock(content);
    expect(await clearStaleLocks(locks, signal)).toEqual([expect.stringMatching(/^removed the lock of a Pulumi that was killed/)]);
    expect([existsSync(file), existsSync(`${file}.attrs`)]).toEqual([false, false]);
  });

  test("one of another machine stays", async () => {
    const { locks, file } = lock(holder({ hostname: `not-${hostname()}` }));
    await expect(clearStaleLocks(locks, signal)).rejects.toMatchObject({ code: "STACK_LOCKED" });
    expect(existsSync(file)).toBe(true);
  });
});

describe("the state before the engine reads it", () => {
  test.each([
    ["none yet", undefined],
    ["of a new stack", '{"version": 3, "checkpoint": {"stack": "dev"}}'],
    ["with resources", '{"version": 3, "checkpoint": {"stack": "dev", "latest": {"resources": []}}}'],
  ])("%s will do", async (_what, text) => {
    const path = join(mkdtempSync(join(folder, "state-")), "dev.json");
    if (text !== undefined) writeFileSync(path, text);
    await expect(checkState(path)).resolves.toBeUndefined();
  });

  test.each(["", "{", "null", "[]", '"text"', '{"version": "3", "checkpoint": {}}', '{"version": 3, "checkpoint": null}', '{"version": 3, "checkpoint": {"latest": {"resources": {}}}}'])("%j is refused with the way out", async (text) => {
    const path = join(mkdtempSync(join(folder, "it's a state-")), "dev.json");
    writeFileSync(path, text);
    await expect(checkState(path)).rejects.toMatchObject({ code: "STATE_DAMAGED", hint: expect.stringContaining("it'\\''s a state-") as string });
  });

  test("a folder in its place is refused too", async () => {
    const path = join(folder, "folder.json");
    mkdirSync(path);
    await expect(checkState(path)).rejects.toMatchObject({ code: "STATE_DAMAGED" });
  });
});

describe("the engine's environment", () => {
  test("the checkout keeps the state under the empty passphrase, whatever is set for other projects", () => {
    const env = { HOME: folder, PULUMI_CONFIG_PASSPHRASE: "another", PULUMI_CONFIG_PASSPHRASE_FILE: "/another" };
    expect(engineEnvironment("/a checkout/with 100% and #1", env)).toMatchObject({ PULUMI_BACKEND_URL: "file:///a checkout/with 100%25 and %231", PULUMI_CONFIG_PASSPHRASE: "" });
    expect(engineUnset(env)).toEqual(["PULUMI_CONFIG_PASSPHRASE_FILE"]);
  });

  test("a backend of the person's own is left alone with its passphrase", () => {
    const env = { HOME: folder, PULUMI_BACKEND_URL: "s3://states", PULUMI_CONFIG_PASSPHRASE: "theirs" };
    expect(Object.keys(engineEnvironment("/checkout", env))).toEqual(["PULUMI_SKIP_UPDATE_CHECK", "PULUMI_HOME"]);
    expect(engineUnset(env)).toEqual([]);
  });
});
