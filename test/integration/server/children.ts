import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { EnsureServerOptions, RunningServer } from "../../../components/local/server/server";

const ROOT = join(__dirname, "..", "..", "..");

/** `ensureServer` in a process of its own, as the command line runs it. */
export interface EnsuringChild {
  readonly process: ChildProcess;
  /** What it printed: the server, or the error's code and message. */
  readonly result: Promise<{ server?: RunningServer; error?: { code?: string; message: string }; progress: string[] }>;
}

/** Starts `ensure-server-child.ts` in a process group of its own; `uid` runs it as another user (root only). */
export function ensureInChild(options: Omit<EnsureServerOptions, "progress" | "signal">, { env = process.env, uid }: { env?: NodeJS.ProcessEnv; uid?: number } = {}): EnsuringChild {
  const child = spawn(process.execPath, ["-r", "tsx/cjs", join(__dirname, "ensure-server-child.ts"), JSON.stringify(options)], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => { output += chunk; });
  const result = new Promise<Awaited<EnsuringChild["result"]>>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve((output === "" ? { progress: [] } : JSON.parse(output)) as Awaited<EnsuringChild["result"]>));
  });
  return { process: child, result };
}
