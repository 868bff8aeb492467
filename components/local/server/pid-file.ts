import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a running server writes into `postmaster.pid` of its data directory (Postgres 17, src/include/utils/pidfile.h). */
export interface PidFile {
  /** Of the postmaster, or of a single-user server (which is written as a negative number). */
  readonly pid: number;
  /** Undefined in the first moments of a start, before the server has chosen. */
  readonly port: number | undefined;
  /** `starting`, `stopping`, `ready` or `standby`; undefined before the server says. */
  readonly status: string | undefined;
}

/** Larger than any process id that a system gives out, so never alive. */
const NO_PROCESS = 2_147_483_646;

/** Reads `postmaster.pid`: undefined where there is none or nothing usable in it. */
export function readPidFile(dataDirectory: string): PidFile | undefined {
  let text: string;
  try {
    text = readFileSync(join(dataDirectory, "postmaster.pid"), "utf8");
  } catch {
    return undefined;
  }
  return parsePidFile(text);
}

/** The pure half of `readPidFile`. */
export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split("\n");
  const pid = positiveInteger(lines[0]?.replace(/^-/, ""));
  if (pid === undefined) return undefined;
  const status = lines[7]?.trim();
  return { pid, port: positiveInteger(lines[3]), status: status === "" ? undefined : status };
}

/**
 * Makes a stale pid file whose id belongs to a stranger or a zombie name no process at all. Removing the file instead would also remove the
 * shared-memory key in it, by which Postgres notices that processes of the killed server are still writing.
 */
export function disownPidFile(dataDirectory: string): void {
  const path = join(dataDirectory, "postmaster.pid");
  const [, ...rest] = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, [String(NO_PROCESS), ...rest].join("\n"));
}

function positiveInteger(text: string | undefined): number | undefined {
  const digits = text?.trim() ?? "";
  if (!/^[1-9]\d{0,9}$/.test(digits)) return undefined;
  return Number(digits);
}
