import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { parseScript } from "./parse-script";
import type { Script } from "./parse-script";

/** One migration of a schema folder: `<number>_<name>.sql` with `<number>_<name>.rollback.sql` beside it. */
export interface MigrationFile {
  /** The number, e.g. 1 for `001_initial_schema.sql`. Unique within the folder; gaps are allowed, so timestamps work too. */
  readonly version: number;
  /** The words after the number, e.g. `initial_schema`. */
  readonly name: string;
  readonly path: string;
  /** The file that undoes it. */
  readonly rollbackPath: string;
  /** The file's text: without byte order mark, with `\n` as newline. */
  readonly sql: string;
  /** SHA-256 of `sql` in hex: a checkout with other line ends has the same one. */
  readonly checksum: string;
}

/** Largest file that is read: a migration is a program for the schema, not a load of data. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const FILE_NAME = /^(\d{3,15})_([a-z0-9]+(?:_[a-z0-9]+)*)(\.rollback)?\.sql$/;

/** What a file's name says, or undefined where it is no migration's name. */
export function parseFileName(fileName: string): { version: number; name: string; rollback: boolean } | undefined {
  const match = FILE_NAME.exec(fileName);
  if (match === null || Number(match[1]) === 0) return undefined;
  return { version: Number(match[1]), name: match[2]!, rollback: match[3] !== undefined };
}

/** The text of a file's bytes as migrations see it: UTF-8 without byte order mark, newlines as `\n`. Throws an `Error` that says what is wrong. */
export function decodeSql(bytes: Uint8Array): string {
  if (bytes.length > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB; a migration is no place for data`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("it is not UTF-8 text");
  }
  if (text.includes("\0")) throw new Error("it contains a NUL byte, which Postgres text cannot hold");
  return text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
}

/** SHA-256 of a normalised text, in hex. */
export function checksumOf(sql: string): string {
  return createHash("sha256").update(sql, "utf8").digest("hex");
}

/**
 * Reads the migrations of a folder, in the order of their numbers. Files that do not end in `.sql` are left alone. All problems come in one
 * `BulkheadError` MIGRATION_FILES_INVALID that names each file: a name that is no migration's, a number used twice, a rollback without its
 * migration or the other way round, an unreadable file. MIGRATION_FOLDER_MISSING where there is no such folder.
 */
export async function readMigrations(directory: string): Promise<MigrationFile[]> {
  const shown = (fileName: string): string => shownPath(join(directory, fileName));
  let fileNames: string[];
  try {
    fileNames = (await readdir(directory)).filter((fileName) => fileName.toLowerCase().endsWith(".sql")).sort();
  } catch (error) {
    throw folderError(directory, error);
  }
  const problems: string[] = [];
  const rollbacks = new Map<string, string>();
  const upFiles: { fileName: string; version: number; name: string }[] = [];
  for (const fileName of fileNames) {
    const parsed = parseFileName(fileName);
    if (parsed === undefined) problems.push(`${shown(fileName)}: not a migration's name; write 001_lower_case_words.sql, number from 001`);
    else if (parsed.rollback) rollbacks.set(fileName.replace(/\.rollback\.sql$/, ".sql"), fileName);
    else upFiles.push({ fileName, version: parsed.version, name: parsed.name });
  }
  upFiles.sort((a, b) => a.version - b.version);
  upFiles.forEach(({ fileName, version }, index) => {
    const before = upFiles[index - 1];
    if (before?.version === version) problems.push(`${shown(fileName)}: number ${version} is taken by ${before.fileName}; give one of them the next free number`);
    if (!rollbacks.delete(fileName)) problems.push(`${shown(rollbackName(fileName))}: missing; write the statements that undo ${fileName}`);
  });
  for (const rollback of rollbacks.values()) problems.push(`${shown(rollback)}: there is no migration that it undoes`);

  const files = await Promise.all(
    upFiles.map(async ({ fileName, version, name }): Promise<MigrationFile | undefined> => {
      try {
        const sql = decodeSql(await readFile(join(directory, fileName)));
        return { version, name, path: join(directory, fileName), rollbackPath: join(directory, rollbackName(fileName)), sql, checksum: checksumOf(sql) };
      } catch (error) {
        problems.push(`${shown(fileName)}: ${readProblem(error)}`);
        return undefined;
      }
    }),
  );
  throwProblems(problems);
  return files.filter((file) => file !== undefined);
}

/**
 * A migration and its rollback, parsed; read before anything of it runs, so that a rollback that cannot work is known while it is not yet needed.
 * Throws MIGRATION_FILES_INVALID with file and line of every problem.
 */
export async function readScripts(file: MigrationFile): Promise<{ up: Script; rollback: Script }> {
  const problems: string[] = [];
  const parse = (path: string, sql: string): Script | undefined => {
    const { script, problems: found } = parseScript(sql);
    problems.push(...found.map(({ line, text }) => `${shownPath(path)}:${line}: ${text}`));
    return script;
  };
  const up = parse(file.path, file.sql);
  let rollback: Script | undefined;
  try {
    rollback = parse(file.rollbackPath, decodeSql(await readFile(file.rollbackPath)));
  } catch (error) {
    problems.push(`${shownPath(file.rollbackPath)}: ${readProblem(error)}`);
  }
  throwProblems(problems);
  return { up: up!, rollback: rollback! };
}

/** A path as people like to read it: relative to the working directory where it lies below it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? path : short.split(sep).join("/");
}

function rollbackName(fileName: string): string {
  return fileName.replace(/\.sql$/, ".rollback.sql");
}

function readProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EISDIR") return "it is a folder; a migration is a file";
  if (code === "EACCES" || code === "EPERM") return "it cannot be read (no permission)";
  if (code === "ENOENT") return "missing";
  return messageOf(error);
}

function folderError(directory: string, error: unknown): BulkheadError {
  const code = (error as NodeJS.ErrnoException).code;
  const path = shownPath(directory);
  if (code === "ENOENT") {
    return new BulkheadError("MIGRATION_FOLDER_MISSING", `There is no schema folder ${path}.`, {
      hint: "npx bulkhead migrate create <service> initial_schema",
      cause: error,
    });
  }
  return new BulkheadError("MIGRATION_FOLDER_UNREADABLE", `The schema folder ${path} cannot be read: ${code === "ENOTDIR" ? "it is a file" : messageOf(error)}.`, { cause: error });
}

function throwProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new BulkheadError("MIGRATION_FILES_INVALID", `The migration files have ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n  ${problems.join("\n  ")}`, {
    hint: "mend the files named above, then run the same command again",
  });
}
