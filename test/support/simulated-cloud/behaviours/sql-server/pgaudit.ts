import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Binaries } from "../../../../../components/local/server/binaries";

/**
 * An extension of that name without anything in it, which the admin may make, as Cloud SQL lets members of cloudsqlsuperuser. It shows that every
 * database gets it. That Postgres then audits is not shown: the real one is not among the embedded programs.
 */
const CONTROL = "comment = 'stands for pgaudit'\ndefault_version = '1.0'\nrelocatable = true\nsuperuser = false\n";

/**
 * Postgres with that extension, in a folder of the instance's own: the program itself, and links to all that it comes with. Postgres finds its `share`
 * folder from where its program lies, and looks behind symbolic links for that.
 *
 * @returns the program to start
 */
export function postgresWithPgaudit({ directory, postgres }: Binaries, folder: string): string {
  const programs = join(folder, "programs");
  const program = join(programs, "bin", "postgres");
  if (existsSync(program)) return program;
  const temporary = `${programs}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  const share = join("share", "postgresql");
  mkdirSync(join(temporary, "bin"), { recursive: true });
  mkdirSync(join(temporary, share, "extension"), { recursive: true });
  symlinkSync(join(directory, "lib"), join(temporary, "lib"));
  for (const path of [share, join(share, "extension")]) {
    for (const name of readdirSync(join(directory, path))) if (name !== "extension") symlinkSync(join(directory, path, name), join(temporary, path, name));
  }
  writeFileSync(join(temporary, share, "extension", "pgaudit.control"), CONTROL);
  writeFileSync(join(temporary, share, "extension", "pgaudit--1.0.sql"), "");
  try {
    linkSync(postgres, join(temporary, "bin", "postgres"));
  } catch {
    // On another file system.
    copyFileSync(postgres, join(temporary, "bin", "postgres"));
  }
  renameSync(temporary, programs);
  return program;
}
