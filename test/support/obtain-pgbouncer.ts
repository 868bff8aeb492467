import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** Where PgBouncer is, or why there is none. */
export type PgBouncerProgram = { readonly program: string; /** Folders of libraries that came with it. */ readonly libraries: readonly string[]; readonly version: string } | { readonly missing: string };

const DOWNLOAD_TIMEOUT_MS = 60_000;
/** Libraries that a machine which runs nothing but Node may lack; the others of PgBouncer's come with Debian's base system or with Postgres. */
const LIBRARIES = /^lib(?:c-ares|event)[-\d.]/;

/**
 * Finds PgBouncer on the PATH; else, on Debian and its kin, unpacks the distribution's package into a cache of its own and installs nothing.
 * Synchronous: whether tests are skipped must be known before they are declared.
 */
export function obtainPgBouncer(env: NodeJS.ProcessEnv = process.env): PgBouncerProgram {
  const onPath = [...(env["PATH"] ?? "").split(delimiter), "/usr/sbin"].map((folder) => join(folder, "pgbouncer")).find((file) => existsSync(file));
  if (onPath !== undefined) return answers(onPath, []);
  if (process.platform !== "linux") return { missing: "pgbouncer is not on the PATH" };
  const cache = join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "bulkhead-tests", `pgbouncer-${process.arch}`);
  try {
    if (!existsSync(cache)) unpack(cache);
  } catch (error) {
    return { missing: `pgbouncer is not on the PATH, and apt-get download failed (${firstLine(error)})` };
  }
  const libraries = readdirSync(join(cache, "usr", "lib"), { recursive: true, encoding: "utf8" }).filter((name) => name.includes(".so")).map((name) => join(cache, "usr", "lib", name, ".."));
  return answers(join(cache, "usr", "sbin", "pgbouncer"), [...new Set(libraries)]);
}

function answers(program: string, libraries: readonly string[]): PgBouncerProgram {
  try {
    const text = execFileSync(program, ["--version"], { encoding: "utf8", timeout: 10_000, env: { LD_LIBRARY_PATH: libraries.join(delimiter) } });
    return { program, libraries, version: /PgBouncer (\S+)/.exec(text)?.[1] ?? "unknown" };
  } catch (error) {
    return { missing: `pgbouncer does not start (${firstLine(error)})` };
  }
}

/** Made under another name and renamed: it is there whole or not at all. */
function unpack(cache: string): void {
  mkdirSync(join(cache, ".."), { recursive: true });
  const draft = mkdtempSync(`${cache}-`);
  try {
    const apt = (command: string, ...args: string[]): string => execFileSync(command, args, { cwd: draft, encoding: "utf8", timeout: DOWNLOAD_TIMEOUT_MS, stdio: ["ignore", "pipe", "pipe"] });
    const libraries = apt("apt-cache", "depends", "pgbouncer").split("\n").flatMap((line) => /Depends: (\S+)/.exec(line)?.[1] ?? []).filter((name) => LIBRARIES.test(name));
    apt("apt-get", "download", "pgbouncer", ...libraries);
    for (const file of readdirSync(draft).filter((name) => name.endsWith(".deb"))) {
      apt("dpkg", "-x", file, ".");
      rmSync(join(draft, file));
    }
    renameSync(draft, cache);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(cache)) throw error;
  }
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const text = typeof stderr === "string" && stderr.trim() !== "" ? stderr : String(message);
  return text.trim().split("\n")[0]!.slice(0, 200);
}
