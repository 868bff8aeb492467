import { existsSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { POSTGRES_MAJOR } from "./binaries";
import { diskError } from "./server-errors";

/** A tenth of a second apart. */
const REMOVE_ATTEMPTS = 50;

/**
 * Whether there is a data directory that this Postgres can run. An empty folder counts as none.
 * @throws BulkheadError `SERVER_DATA_VERSION`, `SERVER_DATA_NOT_POSTGRES`, `SERVER_DATA_DAMAGED` or a disk error; nothing is changed.
 */
export function hasDataDirectory(dataDirectory: string): boolean {
  const names = listing(dataDirectory);
  if (names.length === 0) return false;
  const aside = `mv '${dataDirectory.replaceAll("'", "'\\''")}' '${`${dataDirectory}.old`.replaceAll("'", "'\\''")}'`;
  if (!names.includes("PG_VERSION")) {
    throw new BulkheadError("SERVER_DATA_NOT_POSTGRES", `${dataDirectory} is in the way: it holds files, but not those of a Postgres server (there is no PG_VERSION).`, { hint: `Put it aside and run again: ${aside}` });
  }
  const version = readFileSync(join(dataDirectory, "PG_VERSION"), "utf8").trim();
  if (version !== String(POSTGRES_MAJOR)) {
    throw new BulkheadError("SERVER_DATA_VERSION", `The data in ${dataDirectory} is of PostgreSQL ${version || "(unknown)"}; this is PostgreSQL ${POSTGRES_MAJOR}, which cannot read it. The data was not touched.`, {
      hint: `Check out the Bulkhead that made it and dump the databases there, then start afresh here: ${aside}`,
    });
  }
  if (!existsSync(join(dataDirectory, "global", "pg_control"))) {
    throw new BulkheadError("SERVER_DATA_DAMAGED", `The data in ${dataDirectory} has lost global/pg_control, without which Postgres cannot start. The rest was not touched.`, { hint: `Put a backup back in its place, or start afresh: ${aside}` });
  }
  return true;
}

/**
 * The number that initdb gave the server, as text: the same for as long as the data is, another one after it was made anew. The first
 * eight bytes of pg_control (Postgres 17, src/include/catalog/pg_control.h).
 */
export function readSystemIdentifier(dataDirectory: string): string {
  return readFileSync(join(dataDirectory, "global", "pg_control")).readBigUInt64LE(0).toString();
}

/**
 * Removes what a killed initdb, or a killed removal, left beside the data directory. Neither was ever a server's data that somebody wanted.
 * What cannot be removed now is left to the next run.
 */
export async function removeLeftovers(dataDirectory: string): Promise<void> {
  const parent = dirname(dataDirectory);
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${basename(dataDirectory)}.partial.`) || name === `${basename(dataDirectory)}.removing`) await removeTree(join(parent, name)).catch(() => undefined);
  }
}

/** Removes the data for good. Killed halfway, it leaves `data.removing`, which the next command finishes off, and never half a data directory. */
export async function removeDataDirectory(dataDirectory: string): Promise<void> {
  await removeLeftovers(dataDirectory);
  if (!existsSync(dataDirectory)) return;
  renameSync(dataDirectory, `${dataDirectory}.removing`);
  await removeTree(`${dataDirectory}.removing`);
}

/** Several attempts, since the initdb of a killed command may go on writing there for a moment. */
async function removeTree(path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (attempt === REMOVE_ATTEMPTS) throw error;
      await sleep(100);
    }
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") throw new BulkheadError("SERVER_DATA_NOT_POSTGRES", `${directory} is a file where the data directory should be.`, { hint: `mv '${directory}' '${directory}.old'`, cause: error });
    throw diskError(error, "The data directory cannot be read") ?? error;
  }
}
