import { readFileSync, rmSync } from "node:fs";

import { isProcessAlive, processStartIdentity } from "../server/running-process";
import { writeFileAtomically } from "../../write-file";
import type { Owner } from "../../write-file";

/** Writes down which process a server is, so that a later one that is given the same id is not taken for it. */
export function writeProcessNote(path: string, pid: number, owner: Owner | undefined): void {
  writeFileAtomically(path, `${JSON.stringify({ pid, startIdentity: processStartIdentity(pid) })}\n`, { mode: 0o644, owner });
}

/** The id of the noted process, if that very process still runs. */
export function notedProcess(path: string): number | undefined {
  try {
    const { pid, startIdentity } = JSON.parse(readFileSync(path, "utf8")) as { pid?: unknown; startIdentity?: unknown };
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0 || typeof startIdentity !== "string") return undefined;
    return isProcessAlive(pid) && processStartIdentity(pid) === startIdentity ? pid : undefined;
  } catch {
    return undefined;
  }
}

export function removeProcessNote(path: string): void {
  rmSync(path, { force: true });
}
