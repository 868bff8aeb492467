import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { followEngine } from "../../../scripts/engine/engine-events";
import { createOutput } from "../../../scripts/lib/output";
import type { OutputFormat } from "../../../scripts/lib/output";
import { table } from "../../../scripts/lib/table";

function written(format: OutputFormat, act: (output: ReturnType<typeof createOutput>) => void): { stdout: string; stderr: string } {
  let [stdout, stderr] = ["", ""];
  act(createOutput(format, (text) => void (stdout += text), (text) => void (stderr += text)));
  return { stdout, stderr };
}

const SECRET_URL = "postgresql://auth_user:correct-horse-battery@localhost/auth_db";

test("stdout carries the result alone; progress and errors go to stderr", () => {
  const everything = written("text", (output) => {
    output.progress("working");
    output.result({ version: 1 }, "done");
    output.error(new BulkheadError("SOME_CODE", "it broke", { hint: "mend it" }));
  });
  expect(everything).toEqual({ stdout: "done\n", stderr: "working\nerror: it broke [SOME_CODE]\n  next: mend it\n" });
});

test("as JSON the result, or the error in its place, is one document on stdout", () => {
  expect(JSON.parse(written("json", (output) => output.result({ version: 1, ok: true }, "done")).stdout)).toEqual({ version: 1, ok: true });
  expect(JSON.parse(written("json", (output) => output.error(new BulkheadError("SOME_CODE", "it broke", { hint: "mend it" }))).stdout)).toEqual({ version: 1, ok: false, error: { code: "SOME_CODE", message: "it broke", hint: "mend it" } });
});

test("as a stream every line is one JSON object with a type", () => {
  const { stdout, stderr } = written("stream-json", (output) => {
    output.progress("working");
    output.result({ version: 1 }, "done");
    output.error(new Error("it broke"));
  });
  expect(stderr).toBe("");
  expect(stdout.trim().split("\n").map((line) => JSON.parse(line) as unknown)).toEqual([
    { type: "progress", message: "working" },
    { type: "result", version: 1 },
    { type: "error", version: 1, ok: false, error: { code: "UNEXPECTED", message: "it broke" } },
  ]);
});

test.each(["text", "json", "stream-json"] as const)("as %s neither progress nor error shows a password", (format) => {
  const { stdout, stderr } = written(format, (output) => {
    output.progress(`connecting to ${SECRET_URL}`);
    output.error(new Error(`cannot reach ${SECRET_URL}`));
  });
  expect(stdout + stderr).not.toContain("correct-horse-battery");
});

test("a table has columns of equal width and no blanks at the ends of lines", () => {
  expect(table([["A", "LONGER"], ["wide cell", ""], ["b", "c"]])).toBe("A          LONGER\nwide cell\nb          c");
});

test("the engine's warning about steps that were cut off becomes one line, and errors are gathered without colour marks", () => {
  const lines: string[] = [];
  const { report, onEvent } = followEngine((line) => lines.push(line));
  const event = (severity: string, message: string): void => onEvent({ sequence: 0, timestamp: 0, diagnosticEvent: { severity, message, color: "never" } } as unknown as Parameters<typeof onEvent>[0]);
  event("warning", "Attempting to deploy or update resources with 8 pending operations from previous deployment.\n  * urn:...");
  event("error", "<{%fg 1%}>it broke<{%reset%}>\n");
  event("info", "auth: made");
  event("debug", "not for people");
  expect(lines).toEqual(["an earlier run was cut off in the middle of a step; this one does the step again", "auth: made"]);
  expect(report.errors).toEqual(["it broke"]);
});
