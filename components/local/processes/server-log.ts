import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from "node:fs";

/** Where a server's output goes, and what was moved aside from there. */
export interface LogPaths {
  /** What the server's processes write to stdout and stderr. */
  readonly log: string;
  /** The log before the last trimming. */
  readonly oldLog: string;
}

/** At every start and every look a larger log is moved aside, so that both together stay near twice this plus what is written between two commands. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 65_536;

/** What was written from this position on, at most the last 64 KiB of it. */
export function readLogFrom(path: string, from: number): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const start = Math.max(from, size - TAIL_BYTES);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    return bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, start));
  } finally {
    closeSync(file);
  }
}

/** Keeps the log bounded. A running server appends, so it goes on at the start of the emptied file. */
export function trimLog({ log, oldLog }: LogPaths): void {
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) <= MAX_LOG_BYTES) return;
  copyFileSync(log, oldLog);
  truncateSync(log, 0);
}
