import { styleText } from "node:util";

import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import { redact } from "../../manager/src/errors/redact";

export const OUTPUT_FORMATS = ["text", "json", "stream-json"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/**
 * The contract of what is printed: stdout carries the result and nothing else, stderr the progress. With `stream-json` both go to stdout,
 * one JSON object a line, with a `type` each.
 */
export interface Output {
  readonly format: OutputFormat;
  /** A line while something takes its time. */
  progress(line: string): void;
  /** The result, as JSON with its version, or as text: once, but for `logs`, whose every line is one. */
  result(json: object, text: string): void;
  /** The error that ended the command. */
  error(error: unknown): void;
}

/** Writers are given for tests; the command line uses the process' own. */
export function createOutput(format: OutputFormat, stdout: (text: string) => void = (text) => void process.stdout.write(text), stderr: (text: string) => void = (text) => void process.stderr.write(text)): Output {
  const print = (value: object): void => stdout(`${JSON.stringify(value, null, format === "json" ? 2 : 0)}\n`);
  return {
    format,
    progress(line) {
      const clean = redact(line);
      if (format === "stream-json") print({ type: "progress", message: clean });
      else stderr(`${dim(clean)}\n`);
    },
    result(json, text) {
      if (format === "text") stdout(text.endsWith("\n") ? text : `${text}\n`);
      else print(format === "stream-json" ? { type: "result", ...json } : json);
    },
    error(error) {
      const { code, message, hint } = describeError(error);
      if (format === "text") stderr(`${paint("red", "error")}: ${message}${code === undefined ? "" : ` [${code}]`}\n${hint === undefined ? "" : `  next: ${hint}\n`}`);
      else print({ ...(format === "stream-json" ? { type: "error" } : {}), version: 1, ok: false, error: { code: code ?? "UNEXPECTED", message, ...(hint === undefined ? {} : { hint }) } });
    },
  };
}

function describeError(error: unknown): { code: string | undefined; message: string; hint: string | undefined } {
  const message = redact(messageOf(error));
  if (error instanceof BulkheadError) return { code: error.code, message, hint: error.hint };
  return { code: (error as { code?: string } | null)?.code, message, hint: undefined };
}

/** Colour where a person at a terminal sees it; `NO_COLOR` and pipes get plain text. */
export function paint(style: "red" | "green" | "yellow" | "bold" | "dim", text: string): string {
  return process.stderr.isTTY && process.stdout.isTTY && !process.env["NO_COLOR"] ? styleText(style, text) : text;
}

function dim(text: string): string {
  return paint("dim", text);
}
