import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { promisify } from "node:util";

import { findBinaries } from "../../components/local/server/binaries";
import { ROOT } from "../lib/command-context";
import { failed, passed, warning } from "./finding";
import type { DoctorProbe, Finding } from "./finding";

const group = "Machine";
/** A new cluster with eight databases takes about 120 MB, and Postgres needs room for its log of changes. */
const DISK_WANTED_BYTES = 1024 ** 3;
/** How long another program may take to say its version. */
const VERSION_TIMEOUT_MS = 5_000;

export const MACHINE_CHECKS: readonly DoctorProbe[] = [
  { group, id: "node", title: "Node.js", look: async () => passed(`${process.versions.node} on ${process.platform} ${process.arch}, ${availableParallelism()} cores, ${Math.round(totalmem() / 1024 ** 3)} GB`) },
  { group, id: "disk", title: "Disk", look: disk },
  { group, id: "postgres-binaries", title: "PostgreSQL from npm", look: async () => passed(`version ${findBinaries().version}`) },
  { group, id: "psql", title: "psql", look: () => optionalProgram("psql", ["--version"], "bulkhead shell uses its own simple shell instead", "install your system's postgresql-client package") },
];

async function disk(): Promise<Finding> {
  const { bavail, bsize } = await statfs(ROOT);
  const freeBytes = bavail * bsize;
  const detail = `${(freeBytes / 1024 ** 3).toFixed(1)} GB free`;
  return freeBytes < DISK_WANTED_BYTES ? failed(detail, "make room: df -h .") : passed(detail);
}

async function optionalProgram(program: string, args: readonly string[], otherwise: string, fix: string): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args], { timeout: VERSION_TIMEOUT_MS });
    return passed(stdout.trim().split("\n")[0] ?? "");
  } catch {
    return warning(`not usable; ${otherwise}`, fix);
  }
}
