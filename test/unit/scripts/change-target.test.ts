import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { target as local } from "../../../components/local";
import { parseStackConfig } from "../../../components/stack-config";
import { changeTarget } from "../../../scripts/lib/change-target";
import { createContext } from "../../../scripts/lib/command-context";
import type { CommandContext } from "../../../scripts/lib/command-context";
import { createOutput } from "../../../scripts/lib/output";
import { withStackLock } from "../../../scripts/lib/stack-lock";

const root = mkdtempSync(join(tmpdir(), "bulkhead-target-"));
const file = join(root, "Pulumi.dev.yaml");
afterAll(() => rmSync(root, { recursive: true }));

/** A local stack with nothing running, and what was stopped of it. */
function stackWith(settings: Readonly<Record<string, unknown>>): { context: CommandContext; stopped: string[] } {
  writeFileSync(file, "config:\n  bulkhead:target: local\n");
  const stopped: string[] = [];
  const quiet = (): void => {};
  const context = createContext("dev", createOutput("text", quiet, quiet), new AbortController().signal);
  const stop = async (): Promise<boolean> => stopped.push("local") > 0;
  return { context: { ...context, root, config: parseStackConfig("dev", settings), target: { ...local, stop } }, stopped };
}

test("up changes a stack's target, and stops what ran of the old one", async () => {
  const { context, stopped } = stackWith({});
  await changeTarget(context, "docker", "up");
  expect([stopped, readFileSync(file, "utf8")]).toEqual([["local"], "config:\n  bulkhead:target: docker\n"]);
});

test("it waits for the command that is at work on the stack", async () => {
  const { context, stopped } = stackWith({});
  const entered: string[] = [];
  let changing: Promise<void> | undefined;
  await withStackLock(context, "bulkhead up of stack dev", async () => {
    const waits = new Promise<string>((resolve) => {
      changing = changeTarget({ ...context, progress: resolve }, "docker", "up").finally(() => entered.push("changed"));
    });
    expect(await waits).toContain("bulkhead up of stack dev");
    expect([stopped, entered]).toEqual([[], []]);
  });
  await changing;
  expect([stopped, entered]).toEqual([["local"], ["changed"]]);
});

test.each([
  ["a verb that only looks", {}, "docker", "status", "TARGET_DIFFERS"],
  ["a target in a cloud", {}, "gcp", "up", "TARGET_DIFFERS"],
  ["a target that there is not", {}, "moon", "up", "TARGET_UNKNOWN"],
  ["settings that the new target does not know", { "bulkhead:sql": {} }, "docker", "up", "CONFIG_INVALID"],
])("%s is refused, and nothing is stopped or written", async (_what, settings, wanted, verb, code) => {
  const { context, stopped } = stackWith(settings);
  await expect(changeTarget(context, wanted, verb)).rejects.toMatchObject({ code });
  expect([stopped, readFileSync(file, "utf8")]).toEqual([[], "config:\n  bulkhead:target: local\n"]);
});
