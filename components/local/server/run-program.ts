import { spawn } from "node:child_process";
import type { Owner } from "../../write-file";

/** A program that ended. */
export interface ProgramResult {
  /** Exit status; null where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Output beyond this many bytes is dropped, from the front. */
const MAX_OUTPUT_BYTES = 256 * 1024;

/**
 * The whole environment of every program started here. Nothing of the caller's comes in: PG* variables, a locale that is not installed,
 * an odd TZ or a preloaded library would each change what Postgres does.
 */
export const PROGRAM_ENVIRONMENT: NodeJS.ProcessEnv = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" };

/** Runs a program to its end, bounded in time, as another user where one is given. `environment`, the whole of it, is PROGRAM_ENVIRONMENT by default. Rejects with the signal's reason when aborted; the program is dead by then. */
export function runProgram(program: string, args: readonly string[], options: { owner?: Owner | undefined; environment?: NodeJS.ProcessEnv; input?: string; timeoutMs: number; signal?: AbortSignal | undefined }): Promise<ProgramResult> {
  const { owner, environment = PROGRAM_ENVIRONMENT, input = "", timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    // In a session of its own, so that Ctrl-C in the terminal reaches only the command, which then ends this in order.
    const child = spawn(program, args, { cwd: "/", env: environment, detached: true, stdio: "pipe", ...owner });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => { stdout = (stdout + chunk).slice(-MAX_OUTPUT_BYTES); });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => { stderr = (stderr + chunk).slice(-MAX_OUTPUT_BYTES); });
    // A program that ends early closes its stdin; its exit status tells the story.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);

    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // It is gone already.
      }
    };
    const timer = setTimeout(() => { stderr += `\nstopped after ${timeoutMs} ms`; killGroup(); }, timeoutMs);
    signal?.addEventListener("abort", killGroup);
    const settled = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", killGroup);
    };
    child.on("error", (error) => { settled(); reject(error); });
    child.on("close", (exitCode) => {
      settled();
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve({ exitCode, stdout, stderr });
    });
  });
}
