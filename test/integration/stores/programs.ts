import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { findOnPath } from "../../../components/local/stores/find-program";
import { obtainDebianPackages } from "../../support/debian-packages";
import { obtainRedis } from "../../support/redis-server";

/** Redis and ClickHouse where the local target looks for them, or why they are not. */
export type StorePrograms = { readonly remove: () => void } | { readonly missing: string };

/**
 * Sees to it that the servers are found: those of the machine, else Debian's, unpacked, by way of a program on the PATH that tells them where their libraries are. Synchronous: whether tests are skipped must be known before they
 * are declared.
 */
export function putStoresOnPath(): StorePrograms {
  const found = { "redis-server": obtainRedis(), "clickhouse-server": obtainClickHouse() };
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-programs-"));
  chmodSync(folder, 0o755);
  const before = process.env["PATH"] ?? "";
  for (const [name, program] of Object.entries(found)) {
    if ("missing" in program) {
      rmSync(folder, { recursive: true });
      return { missing: program.missing };
    }
    const [file] = program.command;
    if (file !== findOnPath(name)) putProgram(folder, name, file, program.env["LD_LIBRARY_PATH"] ?? "");
  }
  process.env["PATH"] = [folder, before].join(delimiter);
  return {
    remove() {
      process.env["PATH"] = before;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function obtainClickHouse(): { readonly command: readonly [string]; readonly env: NodeJS.ProcessEnv } | { readonly missing: string } {
  const program = findOnPath("clickhouse-server");
  if (program !== undefined) return { command: [program], env: process.env };
  const packages = obtainDebianPackages(["clickhouse-server"]);
  return "missing" in packages ? packages : { command: [join(packages.root, "usr", "sbin", "clickhouse-server")], env: packages.env };
}

/** As root, servers run as another user, who cannot get into root's cache: program and libraries are copied out of it. */
function putProgram(folder: string, name: string, program: string, libraries: string): void {
  const own = join(folder, `${name}.d`);
  mkdirSync(own);
  cpSync(program, join(own, name), { dereference: true });
  const copied = libraries.split(delimiter).filter((path) => path !== "").map((path, index) => {
    cpSync(path, join(own, `lib${index}`), { recursive: true, verbatimSymlinks: true });
    return join(own, `lib${index}`);
  });
  putScript(folder, name, `LD_LIBRARY_PATH='${copied.join(delimiter)}' exec '${join(own, name)}' "$@"`);
}

/** Makes a program of a shell script. */
export function putScript(folder: string, name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}
