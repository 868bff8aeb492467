import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** How long `ps` may take on systems without /proc. */
const PS_TIMEOUT_MS = 5_000;

/** Whether a process of this id runs. A zombie (ended, not yet collected by its parent) does not: it holds no file, port or memory. */
export function isProcessAlive(pid: number): boolean {
  return isProcessIdTaken(pid) && processState(pid) !== "Z";
}

/** Whether the id is somebody's, if only a zombie's: in a container whose first process collects nobody, for ever. */
export function isProcessIdTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * What distinguishes this process from a later one that was given the same id: boot and start time. Undefined where no such process runs.
 */
export function processStartIdentity(pid: number): string | undefined {
  if (process.platform === "linux") {
    const fields = procStat(pid)?.fields;
    // Field 22 of proc_pid_stat(5), in clock ticks since boot; the boot id because ticks start again.
    return fields === undefined ? undefined : `${bootId()}:${fields[19] ?? ""}`;
  }
  return ps(pid, "lstart=");
}

/**
 * The Postgres processes of this data directory, which is what they all have as their working folder. By name, too: somebody's shell may
 * stand in that folder. Empty where the system has no /proc.
 */
export function postgresProcessesOf(dataDirectory: string): number[] {
  return processesOf(dataDirectory, isPostgres);
}

/** The same of another server, whose processes are told by their name (on Linux its first 15 characters). */
export function processesOf(dataDirectory: string, isServer: (name: string) => boolean): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isServerOf(pid, dataDirectory, isServer));
}

/** Whether the process is a Postgres server of this data directory, and not a stranger that was given its old id. */
export function isPostgresOf(pid: number, dataDirectory: string): boolean {
  return isServerOf(pid, dataDirectory, isPostgres);
}

function isPostgres(name: string): boolean {
  return name === "postgres";
}

function isServerOf(pid: number, dataDirectory: string, isServer: (name: string) => boolean): boolean {
  if (!isProcessAlive(pid)) return false;
  if (process.platform === "linux") {
    const name = procStat(pid)?.name;
    if (name === undefined || !isServer(name)) return false;
    const folder = workingDirectory(pid);
    // Unreadable means that the process belongs to somebody else: then its command line, which everybody may read, has to do.
    const wanted = realPath(dataDirectory);
    // Linux writes it so when the folder was removed: a server without data, which will notice within a minute.
    if (folder !== undefined) return folder === wanted || folder === `${wanted} (deleted)`;
    return commandLine(pid).includes(dataDirectory);
  }
  return (ps(pid, "command=") ?? "").includes(dataDirectory);
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function processState(pid: number): string | undefined {
  return process.platform === "linux" ? procStat(pid)?.fields[0] : ps(pid, "stat=")?.charAt(0);
}

/** /proc/<pid>/stat: the program's name, which may hold spaces and parentheses, and the fields after it, from the state on. */
function procStat(pid: number): { name: string; fields: string[] } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = text.lastIndexOf(")");
    return { name: text.slice(text.indexOf("(") + 1, end), fields: text.slice(end + 2).split(" ") };
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

function ps(pid: number, column: string): string | undefined {
  try {
    const output = execFileSync("ps", ["-ww", "-o", column, "-p", String(pid)], { encoding: "utf8", timeout: PS_TIMEOUT_MS, stdio: ["ignore", "pipe", "ignore"], env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" } });
    return output.trim() === "" ? undefined : output.trim();
  } catch {
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path));
  }
}
