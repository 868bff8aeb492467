import { readFile, readdir, readlink } from "node:fs/promises";

import { runProgram } from "../local/server/run-program";
import { listContainers } from "./engine/containers";

const LSOF_TIMEOUT_MS = 5_000;
/** State of a listening socket in /proc/net/tcp (Linux, include/net/tcp_states.h). */
const LISTEN = "0A";

/** Who has a port of this machine, as far as it can be seen: `container web`, `process postgres (4711)`, or that it is somebody else's. */
export async function portHolder(port: number, signal?: AbortSignal): Promise<string> {
  const [container] = await listContainers([`publish=${port}`], { onlyRunning: true, signal });
  if (container !== undefined) return `container ${container.name}`;
  return (process.platform === "linux" ? await linuxHolder(port) : await lsofHolder(port, signal)) ?? "a process that this user may not see";
}

/** By the socket's inode, which the holder has among its open files. */
async function linuxHolder(port: number): Promise<string | undefined> {
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => "")));
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`));
  if (inodes.size === 0) return undefined;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
      if (inodes.has(target)) return `process ${(await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim() || "unknown"} (${pid})`;
    }
  }
  return undefined;
}

/** Columns of proc_pid_net(5)'s tcp: slot, local address and port in hexadecimal, remote ones, state, … and the inode in the tenth. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === LISTEN && local?.split(":")[1] === wanted && inode !== undefined ? [inode] : [];
  });
}

async function lsofHolder(port: number, signal: AbortSignal | undefined): Promise<string | undefined> {
  const result = await runProgram("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"], { timeoutMs: LSOF_TIMEOUT_MS, signal }).catch(() => undefined);
  const pid = /^p(\d+)$/m.exec(result?.stdout ?? "")?.[1];
  return pid === undefined ? undefined : `process ${/^c(.+)$/m.exec(result!.stdout)?.[1] ?? "unknown"} (${pid})`;
}
