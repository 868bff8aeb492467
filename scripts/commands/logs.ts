import { redact } from "../../manager/src/errors/redact";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { UsageError } from "../lib/usage-error";

const MAX_LINES = 100_000;

/**
 * What a server, or a service that the target runs, has logged; with `follow` also what it logs from now on, until Ctrl-C or until nobody reads any more.
 * Lines come as they are, one object each with `stream-json`; with `json`, all together at the end.
 */
export async function logs(context: CommandContext, { follow = false, lines = "100" }: { follow?: boolean; lines?: string }, of = "postgres"): Promise<ExitCode> {
  const { stack, target, output } = context;
  const reader = new AbortController();
  const gone = (): void => reader.abort();
  process.stdout.once("error", gone);
  try {
    if (follow && output.format === "json") throw new UsageError("LOGS_JSON_FOLLOW", "--output json prints one object at the end, and --follow has none", { hint: "use --output stream-json" });
    const signal = AbortSignal.any([context.signal, reader.signal]);
    const all: string[] = [];
    for await (const logged of target.logs({ ...context, signal }, { of, follow, lines: numberOf(lines) })) {
      const line = redact(logged);
      if (output.format === "json") all.push(line);
      else output.result({ version: 1, stack, of, line }, line);
    }
    if (output.format === "json") output.result({ version: 1, stack, of, lines: all }, "");
    // Also after Ctrl-C, which is how following is meant to end.
    return EXIT.done;
  } finally {
    process.stdout.off("error", gone);
  }
}

function numberOf(lines: string): number {
  if (!/^\d{1,6}$/.test(lines) || Number(lines) > MAX_LINES) throw new UsageError("LINES_INVALID", `--lines ${JSON.stringify(lines)} is no number from 0 to ${MAX_LINES}`);
  return Number(lines);
}
