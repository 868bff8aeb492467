import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readlinkSync } from "node:fs";
import { until } from "./pool";

/** What a lane loses: what the client says, what the server says, or all. */
export type Dropped = "requests" | "answers" | "both";

/** A way of its own from this process to the server. */
export interface Lane {
  /** The server's address on it. */
  readonly host: string;
  /** From now on the router between the two throws packets away and tells nobody: no reset, no ICMP. */
  drop(what: Dropped): void;
  /** Packets pass again; what was not acknowledged is sent again by the kernels. */
  restore(): void;
}

export interface Network {
  /** A process in the server's network namespace. */
  readonly serverNamespaceOf: number;
  readonly lanes: readonly Lane[];
  stop(): void;
}

/** Why this machine cannot have networks of its own; undefined where it can. */
export function whyNoNetwork(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux'";
  if (process.getuid?.() !== 0) return "network namespaces take root";
  try {
    execFileSync("unshare", ["-n", "sh", "-c", "ip link add v0 type veth peer name v1 && echo 1 > /proc/sys/net/ipv4/ip_forward && nsenter --version"], { stdio: "pipe", timeout: 10_000 });
    return undefined;
  } catch (error) {
    return `no network namespaces with veth (${String((error as { stderr?: unknown }).stderr ?? error).trim().split("\n")[0]!.slice(0, 100)})`;
  }
}

/**
 * Three network namespaces in a row: this process' own (it must have been started with `unshare -n`), a router's, a server's, joined by pairs of virtual
 * interfaces, a pair on either side for each lane. The router drops packets that come in on an interface whose forwarding is off (Linux: ip_error() is silent then).
 * All of it vanishes with the processes.
 */
export async function startNetwork(count: number): Promise<Network> {
  const router = await namespace();
  const server = await namespace();
  const routerId = router.pid!;
  const serverId = server.pid!;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  ip(undefined, ["link set lo up", ...numbers.flatMap((n) => [`link add c${n} type veth peer name r${n} netns ${routerId}`, `addr add 10.77.${n}.1/30 dev c${n}`, `link set c${n} up`])]);
  ip(routerId, ["link set lo up", ...numbers.flatMap((n) => [
    `addr add 10.77.${n}.2/30 dev r${n}`, `link set r${n} up`, `link add s${n} type veth peer name x${n} netns ${serverId}`, `addr add 10.78.${n}.1/30 dev s${n}`, `link set s${n} up`,
  ])]);
  ip(serverId, ["link set lo up", ...numbers.flatMap((n) => [`addr add 10.78.${n}.2/30 dev x${n}`, `link set x${n} up`, `route add 10.77.${n}.0/30 via 10.78.${n}.1`])]);
  ip(undefined, numbers.map((n) => `route add 10.78.${n}.0/30 via 10.77.${n}.2`));
  inNamespace(routerId, "sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  const forward = (n: number, requests: 0 | 1, answers: 0 | 1): void => {
    const conf = "/proc/sys/net/ipv4/conf";
    inNamespace(routerId, "sh", ["-c", `echo ${requests} > ${conf}/r${n}/forwarding; echo ${answers} > ${conf}/s${n}/forwarding`]);
  };
  return {
    serverNamespaceOf: serverId,
    lanes: numbers.map((n) => ({
      host: `10.78.${n}.2`,
      drop: (what) => forward(n, what === "answers" ? 1 : 0, what === "requests" ? 1 : 0),
      restore: () => forward(n, 1, 1),
    })),
    stop() {
      for (const holder of [router, server]) holder.kill("SIGKILL");
    },
  };
}

/** A process that does nothing but hold a network namespace. */
async function namespace(): Promise<ChildProcess> {
  const holder = spawn("unshare", ["-n", "sleep", "300"], { stdio: "ignore" });
  process.once("exit", () => void holder.kill("SIGKILL"));
  const own = readlinkSync("/proc/self/ns/net");
  await until(() => {
    try {
      return readlinkSync(`/proc/${holder.pid}/ns/net`) !== own;
    } catch {
      return false;
    }
  }, "a network namespace of its own");
  return holder;
}

function ip(process: number | undefined, commands: readonly string[]): void {
  const input = `${commands.join("\n")}\n`;
  if (process === undefined) execFileSync("ip", ["-batch", "-"], { input, timeout: 10_000, stdio: ["pipe", "ignore", "pipe"] });
  else inNamespace(process, "ip", ["-batch", "-"], input);
}

function inNamespace(process: number, program: string, args: readonly string[], input = ""): void {
  execFileSync("nsenter", ["-t", String(process), "-n", "--", program, ...args], { input, timeout: 10_000, stdio: ["pipe", "ignore", "pipe"] });
}
