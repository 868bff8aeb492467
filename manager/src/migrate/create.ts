import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BulkheadError } from "../errors/bulkhead-error";
import { parseFileName, readMigrations, shownPath } from "./files";

const MAX_NAME_LENGTH = 80;

/**
 * Makes the two files of the next migration: the highest number of the folder plus one, three digits at least. Makes the folder where it is missing.
 * Throws MIGRATION_NAME_INVALID, MIGRATION_FILES_INVALID (where the folder is not in order), MIGRATION_CREATE_FAILED.
 */
export async function createMigration({ directory, name }: { readonly directory: string; readonly name: string }): Promise<{ version: number; path: string; rollbackPath: string }> {
  if (parseFileName(`001_${name}.sql`)?.name !== name || name.length > MAX_NAME_LENGTH) {
    const better = name.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, MAX_NAME_LENGTH).replace(/_+$/, "");
    throw new BulkheadError("MIGRATION_NAME_INVALID", `${JSON.stringify(name.slice(0, 200))} is no name for a migration: lower-case words joined by _ (a-z, 0-9), at most ${MAX_NAME_LENGTH} characters.`, {
      hint: `use a name such as ${better === "" ? "add_orders" : better}`,
    });
  }
  try {
    await mkdir(directory, { recursive: true });
    const newest = (await readMigrations(directory)).at(-1)?.version ?? 0;
    const version = newest + 1;
    const stem = join(directory, `${String(version).padStart(3, "0")}_${name}`);
    const files = { path: `${stem}.sql`, rollbackPath: `${stem}.rollback.sql` };
    await writeFile(files.path, `-- ${name.replaceAll("_", " ")}\n`, { flag: "wx" });
    await writeFile(files.rollbackPath, `-- undoes ${String(version).padStart(3, "0")}_${name}.sql\n`, { flag: "wx" });
    return { version, ...files };
  } catch (error) {
    if (error instanceof BulkheadError) throw error;
    throw new BulkheadError("MIGRATION_CREATE_FAILED", `The migration cannot be written into ${shownPath(directory)}: ${(error as Error).message}`, { cause: error });
  }
}
