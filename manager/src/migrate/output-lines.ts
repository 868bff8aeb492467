import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { redact } from "../errors/redact";

/** A line that grows longer is cut; so much of it is kept for redaction, and less is shown, so that a secret across the cut is never shown in part. */
const MAX_LINE_CHARACTERS = 8_192;
const SHOWN_LINE_CHARACTERS = 2_000;
/** After so many lines the tool's output is read but no longer shown. */
const MAX_LINES = 2_000;

/** The output of a child process as whole, redacted lines; bounded in memory and in what is passed on. */
export class OutputLines {
  /** The last lines, for an error's message. */
  readonly last: string[] = [];
  readonly #prefix: string;
  readonly #secrets: readonly string[];
  readonly #show: (line: string) => void;
  readonly #lastMax: number;
  readonly #flushes: (() => void)[] = [];
  #lines = 0;

  constructor(prefix: string, secrets: readonly string[], show: (line: string) => void, lastMax: number) {
    this.#prefix = prefix;
    this.#secrets = secrets;
    this.#show = show;
    this.#lastMax = lastMax;
  }

  /** Reads both outputs of the child until they end. */
  follow(child: ChildProcess): void {
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) this.#read(stream);
  }

  /** Shows what came without a newline at its end. */
  flush(): void {
    for (const flush of this.#flushes) flush();
  }

  #read(stream: Readable): void {
    const decoder = new StringDecoder("utf8");
    let line = "";
    stream.on("data", (chunk: Buffer) => {
      const [first = "", ...rest] = decoder.write(chunk).split(/\r?\n/);
      line = (line + first).slice(0, MAX_LINE_CHARACTERS);
      for (const next of rest) {
        this.#emit(line);
        line = next.slice(0, MAX_LINE_CHARACTERS);
      }
    });
    stream.on("error", () => {
      // The process is gone; its exit says the rest.
    });
    this.#flushes.push(() => {
      if (line !== "") this.#emit(line);
      line = "";
    });
  }

  #emit(line: string): void {
    const clean = redact(line, this.#secrets).slice(0, SHOWN_LINE_CHARACTERS);
    if (clean.trim() === "") return;
    this.last.push(clean);
    if (this.last.length > this.#lastMax) this.last.shift();
    this.#lines++;
    if (this.#lines <= MAX_LINES) this.#show(this.#prefix + clean);
    if (this.#lines === MAX_LINES + 1) this.#show(`${this.#prefix}(more output is not shown)`);
  }
}
