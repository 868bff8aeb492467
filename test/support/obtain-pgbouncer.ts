import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { obtainDebianPackages } from "./debian-packages";

/** Where PgBouncer is, or why there is none. */
export type PgBouncerProgram = { readonly program: string; /** Folders of libraries that came with it. */ readonly libraries: readonly string[]; readonly version: string } | { readonly missing: string };

/**
 * Finds PgBouncer on the PATH; else, on Debian and its kin, unpacks the distribution's package into a cache of its own and installs nothing.
 * Synchronous: whether tests are skipped must be known before they are declared.
 */
export function obtainPgBouncer(env: NodeJS.ProcessEnv = process.env): PgBouncerProgram {
  const onPath = [...(env["PATH"] ?? "").split(delimiter), "/usr/sbin"].map((folder) => join(folder, "pgbouncer")).find((file) => existsSync(file));
  if (onPath !== undefined) return answers(onPath, []);
  const packages = obtainDebianPackages(["pgbouncer"], { env });
  if ("missing" in packages) return packages;
  return answers(join(packages.root, "usr", "sbin", "pgbouncer"), packages.env.LD_LIBRARY_PATH.split(delimiter));
}

function answers(program: string, libraries: readonly string[]): PgBouncerProgram {
  try {
    const text = execFileSync(program, ["--version"], { encoding: "utf8", timeout: 10_000, env: { LD_LIBRARY_PATH: libraries.join(delimiter) } });
    return { program, libraries, version: /PgBouncer (\S+)/.exec(text)?.[1] ?? "unknown" };
  } catch (error) {
    return { missing: `pgbouncer does not start (${String((error as Error).message).split("\n")[0]!.slice(0, 200)})` };
  }
}
