import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { BulkheadError } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { LOCK_WAIT_MS, withMigrationLock } from "./lock";
import { OutputLines } from "./output-lines";
import { throwIfAborted, withSession } from "./session";
import type { MigrationSession, MigrationTarget } from "./session";

/** What `runMigrationCommand` needs to know. */
export interface MigrationCommandOptions extends MigrationTarget {
  /** Program and arguments; no shell reads them. E.g. `["npx", "prisma", "migrate", "deploy"]`. */
  readonly command: readonly [string, ...string[]];
  /** Working folder of the tool. */
  readonly cwd: string;
  /** Connection URL of the service's migrator, given to the tool as `DATABASE_URL` and nowhere else. */
  readonly url: string;
  /** Variables that the tool needs beside PATH, HOME, LANG and DATABASE_URL; it gets no others. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this time the tool is ended. Default: 600000 (10 minutes). Unit: milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10 * 60_000;
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5_000;
const LAST_LINES = 20;

/** How the tool ended. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs a service's own migration tool as its migrator, under the lock that `migrate` takes too. What it prints goes to `progress`, line by line, without the
 * password and up to a bound. It ends in time: after `timeoutMs`, or when `signal` aborts, or when the session that holds the lock is lost, its whole process
 * group gets SIGTERM and then SIGKILL. Throws MIGRATION_COMMAND_NOT_FOUND, MIGRATION_COMMAND_FAILED (with exit code and last lines),
 * MIGRATION_COMMAND_TIMEOUT, MIGRATION_LOCK_LOST, MIGRATION_ABORTED, and what opening the session throws.
 */
export async function runMigrationCommand(options: MigrationCommandOptions): Promise<{ readonly ms: number }> {
  const startedAt = performance.now();
  await withSession(options, (session) => withMigrationLock(session, () => runTool(session, options), LOCK_WAIT_MS));
  return { ms: performance.now() - startedAt };
}

async function runTool({ client, progress }: MigrationSession, options: MigrationCommandOptions): Promise<void> {
  const { service, command, timeoutMs = TIMEOUT_MS, signal } = options;
  const name = redact(command.join(" "), secretsOf(options.url)).slice(0, 200);
  progress(`${service}: running ${name}`);
  const output = new OutputLines(`${service}: `, secretsOf(options.url), progress, LAST_LINES);
  const child = spawn(command[0], command.slice(1), { cwd: options.cwd, env: environment(options), stdio: ["ignore", "pipe", "pipe"], detached: true, windowsHide: true });
  output.follow(child);

  let ended = false;
  let why: BulkheadError | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const end = (error: BulkheadError): void => {
    if (why !== undefined || ended) return;
    why = error;
    killGroup(child, "SIGTERM");
    killTimer = setTimeout(() => killGroup(child, "SIGKILL"), GRACE_MS);
  };
  const onAbort = (): void => end(new BulkheadError("MIGRATION_ABORTED", `${name} of ${service} was interrupted.`));
  const onLost = (): void => end(new BulkheadError("MIGRATION_LOCK_LOST", `The session that held the migration lock of ${service} was lost, so ${name} was ended.`, { hint: "run the same command again" }));
  const onExit = (): void => killGroup(child, "SIGKILL");
  const timer = setTimeout(() => {
    end(
      new BulkheadError("MIGRATION_COMMAND_TIMEOUT", `${name} of ${service} was ended: it had not finished after ${timeoutMs / 1000} s.`, {
        hint: "raise `timeoutMs` of the service's migrations in services.ts, if the tool needs that long",
      }),
    );
  }, timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  client.on("end", onLost);
  process.on("exit", onExit);
  try {
    throwIfAborted(options);
    const ending = await endOf(child, name, options);
    ended = true;
    // What it has started in the background must not go on without the lock.
    killGroup(child, "SIGKILL");
    output.flush();
    if (why !== undefined) throw why;
    if (ending.code !== 0) throw failed(name, service, ending, output.last);
  } finally {
    clearTimeout(timer);
    clearTimeout(killTimer);
    signal?.removeEventListener("abort", onAbort);
    client.off("end", onLost);
    process.off("exit", onExit);
    if (!ended) killGroup(child, "SIGKILL");
  }
}

/** Waits for the tool itself; its pipes may be kept open by a grandchild, so they are given a second and no more. */
function endOf(child: ChildProcess, name: string, { service, command, cwd }: MigrationCommandOptions): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      reject(
        new BulkheadError("MIGRATION_COMMAND_NOT_FOUND", `${name} of ${service} cannot be started in ${cwd}: ${(cause as NodeJS.ErrnoException).code ?? "unknown error"}.`, {
          hint: `check that the folder is there and that ${command[0]} is installed and on PATH`,
          cause,
        }),
      );
    });
    child.once("exit", (code, signal) => {
      const settle = (): void => resolve({ code, signal });
      const timer = setTimeout(settle, 1_000);
      child.once("close", () => {
        clearTimeout(timer);
        settle();
      });
    });
  });
}

function failed(name: string, service: string, { code, signal }: Ending, last: readonly string[]): BulkheadError {
  const how = code === null ? `was ended by ${signal}` : `ended with exit code ${code}`;
  const shown = last.length === 0 ? "It printed nothing." : `Its last lines:\n  ${last.join("\n  ")}`;
  return new BulkheadError("MIGRATION_COMMAND_FAILED", `${name} of ${service} ${how}. ${shown}`, { hint: `mend the cause, then: npx bulkhead migrate up ${service}` });
}

/** The group, since npx and the like start the real tool as a child of their own. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left; or there are no groups (Windows), where the child itself is all that can be reached.
    child.kill(signal);
  }
}

function environment({ url, env }: MigrationCommandOptions): Record<string, string> {
  const kept = ["PATH", "HOME", "LANG"].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return { ...Object.fromEntries(kept), ...env, DATABASE_URL: url };
}

/** The password as it stands in the URL, and as it is. */
function secretsOf(url: string): string[] {
  const raw = /^[a-z][a-z0-9+.-]*:\/\/[^:@/?#]*:([^@/?#]*)@/i.exec(url)?.[1] ?? "";
  try {
    return [url, raw, decodeURIComponent(raw)];
  } catch {
    return [url, raw];
  }
}
