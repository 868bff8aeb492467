import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { EngineApi } from "./engine-api";
import { findDockerPrograms } from "./programs";

/** Folders of data that there are at most: as many daemons can run at once. A crowd of them means that one does not let go. */
const PLACES = 8;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 25;
/** What `flock` ends with where another process has the lock. */
const LOCKED = 75;

/** Whether a daemon can be had, known before tests are declared. */
export type Docker = { readonly start: () => Promise<DockerDaemon> } | { readonly missing: string };

/** What is asked of an answer of `GET /containers/json` and such. */
interface Listed {
  readonly Id: string;
  readonly Name?: string;
}

/**
 * Docker for a test file: a daemon of its own, with its own containers, networks and volumes. Images stay from run to run (images.ts).
 * It is away from a daemon of the machine: mounts and processes in namespaces of their own, a bridge and addresses of its own, and no rule of
 * the machine's firewall is touched but one for these addresses. Whatever happens to the test, the kernel ends all of it with the test's process.
 */
export function obtainDocker(): Docker {
  if (process.platform !== "linux") return { missing: "Docker's daemon runs on Linux only" };
  if (process.getuid?.() !== 0) return { missing: "Docker's daemon needs root" };
  const programs = findDockerPrograms();
  if ("missing" in programs) return programs;
  const env = { ...process.env, ...programs.env };
  const lacking = lackOfKernel(env);
  return lacking === undefined ? { start: () => DockerDaemon.start(env) } : { missing: lacking };
}

/** The reason why this kernel, or the container that the tests run in, lets nobody make containers. */
function lackOfKernel(env: NodeJS.ProcessEnv): string | undefined {
  if (!/\boverlay\b/.test(readFileSync("/proc/filesystems", "utf8"))) return "the kernel has no overlay file system";
  if (!/\scgroup2?\s/.test(readFileSync("/proc/self/mounts", "utf8"))) return "no control groups are mounted";
  for (const [program, ...args] of [["unshare", "--mount", "--pid", "--net", "--fork", "iptables", "-t", "nat", "-L", "-n"]] as const) {
    try {
      execFileSync(program, args, { env, stdio: ["ignore", "ignore", "pipe"], timeout: 10_000 });
    } catch (error) {
      return `containers cannot be made here (${String((error as { stderr?: Buffer }).stderr ?? error).trim().split("\n")[0]!})`;
    }
  }
  return undefined;
}

/** A running daemon. */
export class DockerDaemon {
  readonly api: EngineApi;

  private constructor(
    private readonly child: ChildProcess,
    private readonly place: Place,
    /** Its socket, configuration and log. */
    private readonly folder: string,
    private readonly programs: NodeJS.ProcessEnv,
  ) {
    this.api = new EngineApi(this.host);
  }

  /** @throws Error with the end of its log where it does not start */
  static async start(env: NodeJS.ProcessEnv): Promise<DockerDaemon> {
    for (let number = 0; number < PLACES; number++) {
      // Sockets have short names, and the machine's temporary folder may have a long one.
      const folder = mkdtempSync(join(tmpdir().length > 30 ? "/tmp" : tmpdir(), "bulkhead-docker-"));
      const place = placeOf(number);
      const daemon = new DockerDaemon(launch(place, folder, env), place, folder, env);
      if (await daemon.ready()) {
        await daemon.clear();
        return daemon;
      }
      rmSync(folder, { recursive: true, force: true });
    }
    throw new Error(`all ${PLACES} places for Docker daemons are taken`);
  }

  /** As in DOCKER_HOST. */
  get host(): string {
    return `unix://${join(this.folder, "docker.sock")}`;
  }

  /** For commands that are to use this daemon, and see no configuration of the user's. */
  get env(): Record<string, string> {
    const { PATH = "", LD_LIBRARY_PATH } = this.programs;
    return { PATH, ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }), DOCKER_HOST: this.host, DOCKER_CONFIG: join(this.folder, "config") };
  }

  /** Runs `docker` with these arguments. @returns what it wrote @throws Error where it fails */
  run(...args: readonly string[]): string {
    return execFileSync("docker", args, { env: { ...process.env, ...this.env }, encoding: "utf8", timeout: 60_000, maxBuffer: 16 << 20, stdio: ["ignore", "pipe", "pipe"] }).trim();
  }

  /** Removes all containers, networks and volumes. */
  async clear(): Promise<void> {
    const containers = await this.api.get<Listed[]>("/containers/json?all=true");
    await Promise.all(containers.map(({ Id }) => this.api.delete(`/containers/${Id}?force=true&v=true`)));
    const networks = await this.api.get<Listed[]>("/networks");
    await Promise.all(networks.filter(({ Name }) => !["bridge", "host", "none"].includes(Name ?? "")).map(({ Id }) => this.api.delete(`/networks/${Id}`)));
    const { Volumes } = await this.api.get<{ Volumes: { Name: string }[] | null }>("/volumes");
    await Promise.all((Volumes ?? []).map(({ Name }) => this.api.delete(`/volumes/${Name}?force=true`)));
  }

  /** Ends it, and leaves nothing but images. */
  async stop(): Promise<void> {
    try {
      await this.clear();
    } finally {
      // While the lock is held: the next one in this place makes a bridge of the same name.
      bridge(this.place, "remove", this.programs);
      await this.end();
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    }
  }

  /** @returns false where another process has the place */
  private async ready(): Promise<boolean> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      if (this.child.exitCode === LOCKED) return false;
      if (this.child.exitCode !== null || this.child.signalCode !== null || performance.now() > deadline) {
        await this.end();
        throw new Error(`Docker's daemon does not start:\n${readFileSync(join(this.folder, "log"), "utf8").split("\n").slice(-15).join("\n")}`);
      }
      if (existsSync(join(this.folder, "docker.sock")) && (await this.api.get("/_ping").then(() => true, () => false))) return true;
      await sleep(POLL_MS);
    }
  }

  private async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => this.child.once("exit", () => resolve()));
    // The child is the daemon's namespace; ended by force, it takes the daemon and all containers along.
    for (const pid of childrenOf(this.child.pid!)) process.kill(pid, "SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** Where a daemon keeps its data, and its addresses: one daemon at a time has it. */
interface Place {
  readonly number: number;
  readonly folder: string;
  readonly bridge: string;
}

function placeOf(number: number): Place {
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "bulkhead-tests", `dockerd-${number}`);
  mkdirSync(folder, { recursive: true });
  return { number, folder, bridge: `bulkhead${number}` };
}

/** Addresses of the networks that are made in a place; of a corner of the private range that nobody's router gives out. */
function addressesOf({ number }: Place): string {
  return `10.213.${number * 16}.0/20`;
}

function launch(place: Place, folder: string, env: NodeJS.ProcessEnv): ChildProcess {
  bridge(place, "add", env);
  const log = openSync(join(folder, "log"), "a");
  const dockerd = [
    "dockerd", "--host", `unix://${join(folder, "docker.sock")}`, "--data-root", join(place.folder, "data"), "--exec-root", join(folder, "exec"), "--pidfile", join(folder, "docker.pid"),
    // Its own bridge: without one, or with another address for docker0, it would take that of the machine's daemon away.
    "--bridge", place.bridge, "--default-address-pool", `base=${addressesOf(place)},size=26`,
    "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--exec-opt", "native.cgroupdriver=cgroupfs", "--shutdown-timeout", "5",
  ];
  // The kernel ends the namespace with this process, and everything in it with the namespace. The lock is held as long as the daemon runs.
  // A containerd of the machine would be used if its socket were seen.
  const masked = ["sh", "-c", '[ ! -d /run/containerd ] || mount -t tmpfs tmpfs /run/containerd; exec "$@"', "sh"];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "flock", "--no-fork", "--nonblock", "--conflict-exit-code", String(LOCKED), join(place.folder, "lock"), ...masked, ...dockerd], { env, stdio: ["ignore", log, log] });
  closeSync(log);
  return child;
}

/** Makes or removes a place's bridge, and the one rule that lets its containers speak to each other where the machine's firewall forwards nothing. */
function bridge(place: Place, action: "add" | "remove", env: NodeJS.ProcessEnv): void {
  const run = (...[program, ...args]: [string, ...string[]]): boolean => {
    try {
      execFileSync(program, args, { env, stdio: "ignore", timeout: 10_000 });
      return true;
    } catch {
      return false;
    }
  };
  const rule = ["FORWARD", "--source", addressesOf(place), "--destination", addressesOf(place), "--jump", "ACCEPT"];
  if (action === "remove") {
    run("ip", "link", "delete", place.bridge);
    run("iptables", "--wait", "5", "--delete", ...rule);
    return;
  }
  // What is there was left by a process that was killed, or belongs to a daemon that has the place: then the lock tells.
  run("ip", "link", "add", place.bridge, "type", "bridge");
  run("ip", "address", "add", `10.214.${place.number}.1/24`, "dev", place.bridge);
  run("ip", "link", "set", place.bridge, "up");
  if (!run("iptables", "--wait", "5", "--check", ...rule)) run("iptables", "--wait", "5", "--insert", ...rule);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter((text) => text !== "").map(Number);
  } catch {
    return [];
  }
}
