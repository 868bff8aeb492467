import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { StringDecoder } from "node:string_decoder";

import type { LogPaths } from "./server-log";

const CHUNK_BYTES = 64 * 1024;
/** A longer line is cut in pieces. */
const MAX_LINE_CHARACTERS = 256 * 1024;
const POLL_MS = 200;

/** What `tailLog` shows. */
export interface TailOptions {
  /** How many of the last lines. */
  readonly lines: number;
  /** Whether to go on with what is written from now on, until the signal. */
  readonly follow: boolean;
  /** Ends it, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** The last lines of a server's log, the oldest first, also those that were moved aside; then, when following, what is written, also over a trimming. A log that is not there is empty. */
export async function* tailLog(paths: LogPaths, { lines, follow, signal }: TailOptions): AsyncGenerator<string> {
  const { found, end } = await lastLinesOf(paths.log, lines);
  const older = found.length < lines ? (await lastLinesOf(paths.oldLog, lines - found.length)).found : [];
  yield* [...older, ...found];
  if (!follow) return;
  const splitter = new LineSplitter();
  let position = end;
  while (signal?.aborted !== true) {
    const size = await sizeOf(paths.log);
    if (size < position) {
      // Trimmed meanwhile: what was not read yet was moved aside.
      for await (const chunk of chunksOf(paths.oldLog, position)) yield* splitter.split(chunk);
      position = 0;
    }
    for await (const chunk of chunksOf(paths.log, position)) {
      position += chunk.length;
      yield* splitter.split(chunk);
    }
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

/** The last whole lines of a file, and where the file ended after the last of them. */
async function lastLinesOf(path: string, count: number): Promise<{ found: string[]; end: number }> {
  const file = await openIfThere(path);
  if (file === undefined) return { found: [], end: 0 };
  try {
    const { size } = await file.stat();
    const chunks: Buffer[] = [];
    let newlines = 0;
    let start = size;
    // One more newline than lines: the one in front of the first.
    while (start > 0 && newlines <= count) {
      const length = Math.min(CHUNK_BYTES, start);
      start -= length;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, start);
      chunks.unshift(buffer);
      newlines += buffer.reduce((sum, byte) => sum + (byte === 0x0a ? 1 : 0), 0);
    }
    const bytes = Buffer.concat(chunks);
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    const found = whole.length === 0 ? [] : whole.toString("utf8").slice(0, -1).split("\n");
    return { found: count === 0 ? [] : found.slice(-count), end: start + whole.length };
  } finally {
    await file.close();
  }
}

/** From a position to the end as it is now. */
async function* chunksOf(path: string, from: number): AsyncGenerator<Buffer> {
  const file = await openIfThere(path);
  if (file === undefined) return;
  try {
    for (let position = from; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  const file = await openIfThere(path);
  try {
    return (await file?.stat())?.size ?? 0;
  } finally {
    await file?.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Makes lines of pieces; keeps what has no end yet. */
class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  *split(chunk: Buffer): Generator<string> {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = lines.pop()!;
    yield* lines;
    if (this.#rest.length > MAX_LINE_CHARACTERS) {
      yield this.#rest;
      this.#rest = "";
    }
  }
}
