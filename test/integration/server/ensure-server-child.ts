import { writeSync } from "node:fs";
import type { EnsureServerOptions } from "../../../components/local/server/server";
import { ensureServer } from "../../../components/local/server/server";

/** Runs `ensureServer` with the options of its first argument and prints what came of it, as JSON. Ctrl-C aborts, as in the command line. */
async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? "") as Omit<EnsureServerOptions, "progress" | "signal">;
  const interruption = new AbortController();
  process.once("SIGINT", () => interruption.abort(new Error("interrupted")));
  const progress: string[] = [];
  let outcome: object;
  try {
    outcome = { server: await ensureServer({ ...options, progress: (line) => progress.push(line), signal: interruption.signal }) };
  } catch (error) {
    outcome = { error: { code: (error as { code?: string }).code, message: (error as Error).message } };
  }
  writeSync(1, JSON.stringify({ ...outcome, progress }));
}

void main();
