import { existsSync } from "node:fs";

import { LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import type { PulumiCommand } from "@pulumi/pulumi/automation";

import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import { redact } from "../../manager/src/errors/redact";
import { pulumiCommand } from "../pulumi-cli/automation";
import { obtainPulumiCli } from "../pulumi-cli/obtain";
import type { CommandContext } from "../lib/command-context";
import { PROJECT } from "../../components/settings/problems";
import { checkState } from "./check-state";
import { followEngine } from "./engine-events";
import type { EngineReport } from "./engine-events";
import { engineEnvironment, engineUnset, locksFolder, requireStateBackend, stateFile } from "./environment";
import { clearStaleLocks } from "./stale-locks";

/**
 * The stack in the engine, ready to be worked on. The caller holds the lock of the stack.
 *
 * @throws BulkheadError `STATE_BACKEND_MISSING`, `STATE_DAMAGED`, `STACK_LOCKED`, `ENGINE_FAILED`
 */
export async function openStack(context: CommandContext): Promise<Stack> {
  const { root, stack: stackName, progress, signal } = context;
  requireStateBackend(stackName, context.target, process.env);
  for (const name of engineUnset(process.env)) delete process.env[name];
  const cli = await obtainPulumiCli({ env: process.env, progress, signal });
  for (const line of await clearStaleLocks(locksFolder(root, PROJECT, stackName), signal)) progress(line);
  const stack = await createOrSelect(context, pulumiCommand(cli, () => loadProgram(context))).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error instanceof BulkheadError ? error : engineError(`opening stack ${stackName}`, [], error);
  });
  // `up` asks for both when it is done, each a run of the CLI of half a second; nothing here reads them.
  return Object.assign(stack, { outputs: async () => ({}), info: async () => undefined });
}

/** Every command names its stack, so selecting one only serves to see whether it is there: where the state is in the checkout, a look into the folder saves that run of the CLI. */
async function createOrSelect({ root, stack }: CommandContext, command: PulumiCommand): Promise<Stack> {
  const workspace = await LocalWorkspace.create({ workDir: root, program, pulumiCommand: command, envVars: engineEnvironment(root, process.env) });
  if (process.env["PULUMI_BACKEND_URL"]) return Stack.createOrSelect(stack, workspace);
  const state = stateFile(root, PROJECT, stack);
  await checkState(state);
  if (!existsSync(state)) return Stack.create(stack, workspace);
  return Stack.select(stack, Object.assign(workspace, { selectStack: async () => {} }));
}

/** Beside the CLI, which starts meanwhile, and has its policies loaded. What fails here fails again in the program, which says so. */
function loadProgram({ target }: CommandContext): void {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
    require("../../index");
    target.loadTier();
  } catch {
    // As said above.
  }
}

/** The program of index.ts, run inside this process: with it, the engine needs no language host. */
async function program(): Promise<Record<string, unknown>> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  return (require("../../index") as () => Promise<Record<string, unknown>>)();
}

/**
 * Runs the engine and follows it.
 *
 * @throws BulkheadError `ENGINE_FAILED` with the errors that the engine showed
 */
export async function runEngine(context: CommandContext, what: string, run: (options: { onEvent: ReturnType<typeof followEngine>["onEvent"]; color: "never"; signal?: AbortSignal }) => Promise<unknown>): Promise<EngineReport> {
  const { report, onEvent } = followEngine(context.progress);
  // Pulumi's SDK writes out a stack trace for each of its thousands of promises. Leading them back to TypeScript was a seventh of a large preview's work.
  process.setSourceMapsEnabled(false);
  try {
    await run({ onEvent, color: "never", ...(isAtTerminal() ? {} : { signal: context.signal }) });
    return report;
  } catch (error) {
    context.signal.throwIfAborted();
    throw engineError(what, report.errors, error);
  } finally {
    process.setSourceMapsEnabled(true);
  }
}

/**
 * At a terminal Ctrl-C reaches the engine by itself, being in the same process group. Passing it on would be the second time, upon which
 * the engine stops without ending its step.
 */
function isAtTerminal(): boolean {
  return process.stdin.isTTY || process.stderr.isTTY;
}

function engineError(what: string, errors: readonly string[], error: unknown): BulkheadError {
  // The engine closes with "update failed" when something else was wrong, and repeats what it has said.
  const telling = errors.filter((line) => !/^((update|preview) failed|One or more errors occurred\. Check logs for more details)$/.test(line));
  const message = telling.length > 0 ? [...new Set(telling)].join("\n") : whatTheCliSaid(error);
  return new BulkheadError("ENGINE_FAILED", redact(`${what} did not go through:\n${message}`), {
    hint: "mend the cause and run the same command again: what was finished stays, and nothing is done twice",
    cause: error,
  });
}

/** Of an error of the Automation API, which repeats the command with all its arguments, what Pulumi itself wrote. */
function whatTheCliSaid(error: unknown): string {
  const text = messageOf(error);
  const stderr = / stderr: ([\s\S]*?)\n err\?: /.exec(text)?.[1] ?? text;
  const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("Command failed with exit code"));
  return lines.length === 0 ? text : lines.map((line) => line.replace(/^error: /, "")).join("\n");
}
