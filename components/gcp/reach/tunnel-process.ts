import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";

import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";
import type { ReachedAt } from "../../../manager/src/secrets/secret";

/** gcloud starts, logs in and opens the web socket; it tries the connection before it listens. Unit: milliseconds. */
const LISTEN_TIMEOUT_MS = 60_000;
const OUTPUT_MAX_CHARACTERS = 16_384;
/** What gcloud says once the port is bound. */
const LISTENING = /Listening on port \[\d+\]/;

/** Where a tunnel leads to. */
export interface TunnelTarget {
  readonly gcloud: string;
  /** Name of the machine without a public address. */
  readonly bastion: string;
  readonly port: number;
  readonly zone: string;
  readonly project: string;
}

/** A share in a tunnel. */
export interface TunnelLease {
  /** This machine's end. */
  readonly address: ReachedAt;
  /** Settles when the tunnel stands, also after it had to be started again. */
  readonly ready: () => Promise<void>;
  /** Gives the share back; with the last one the tunnel ends. */
  close(): Promise<void>;
}

interface Tunnel {
  readonly lease: Promise<Omit<TunnelLease, "close">>;
  readonly end: () => Promise<void>;
  shares: number;
}

/** One tunnel a target, shared by all in this process. */
const tunnels = new Map<string, Tunnel>();

/**
 * A tunnel through Identity-Aware Proxy. It is started again once when it dies, and ends with its last share, or with this process,
 * however that ends.
 *
 * @throws BulkheadError `REACH_TUNNEL_FAILED`
 */
export async function leaseTunnel(target: TunnelTarget, progress: (line: string) => void): Promise<TunnelLease> {
  const key = JSON.stringify(target);
  const tunnel = tunnels.get(key) ?? startTunnel(target, progress);
  tunnels.set(key, tunnel);
  tunnel.shares += 1;
  const giveBack = async (): Promise<void> => {
    tunnel.shares -= 1;
    if (tunnel.shares > 0) return;
    if (tunnels.get(key) === tunnel) tunnels.delete(key);
    await tunnel.end();
  };
  try {
    const lease = await tunnel.lease;
    let given = false;
    return {
      ...lease,
      close: async () => {
        if (given) return;
        given = true;
        await giveBack();
      },
    };
  } catch (error) {
    await giveBack();
    throw error;
  }
}

function startTunnel(target: TunnelTarget, progress: (line: string) => void): Tunnel {
  let current: ChildProcess | undefined;
  let ending = false;
  let restarted = false;
  let standing: Promise<void>;
  const begin = async (port: number): Promise<void> => {
    current = spawnTunnel(target, port);
    await listening(current, target);
    watch(current, port);
  };
  const watch = (child: ChildProcess, port: number): void => {
    child.once("exit", () => {
      if (ending) return;
      if (restarted) {
        standing = Promise.reject(failed(target, "it died a second time"));
        standing.catch(() => {}); // Whoever opens the next session hears of it.
        return;
      }
      restarted = true;
      progress(`the tunnel through ${target.bastion} died; starting it again`);
      standing = begin(port);
      standing.catch(() => {});
    });
  };
  const lease = freePort().then(async (port) => {
    progress(`opening a tunnel through ${target.bastion}`);
    standing = begin(port);
    await standing;
    return { address: { host: "127.0.0.1", port }, ready: () => standing };
  });
  return {
    lease,
    shares: 0,
    end: async () => {
      ending = true;
      if (current !== undefined) await endProcess(current);
    },
  };
}

/** Through the guard, which ends gcloud when this process is gone. */
function spawnTunnel({ gcloud, bastion, port, zone, project }: TunnelTarget, localPort: number): ChildProcess {
  const args = [gcloud, "compute", "start-iap-tunnel", bastion, String(port), `--local-host-port=127.0.0.1:${localPort}`, `--zone=${zone}`, `--project=${project}`, "--quiet"];
  // In a session of its own, so that Ctrl-C in the terminal reaches only the command, which then ends this in order.
  return spawn(process.execPath, [join(__dirname, "guard.cjs"), ...args], { stdio: ["pipe", "pipe", "pipe"], detached: true, env: { ...process.env, NODE_OPTIONS: "", CLOUDSDK_CORE_DISABLE_PROMPTS: "1" } });
}

function listening(child: ChildProcess, target: TunnelTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string): void => {
      clearTimeout(timer);
      void endProcess(child);
      reject(failed(target, why));
    };
    const timer = setTimeout(() => fail(`it did not listen within ${LISTEN_TIMEOUT_MS / 1000} s: ${output.trim()}`), LISTEN_TIMEOUT_MS);
    const read = (chunk: string): void => {
      output = (output + chunk).slice(-OUTPUT_MAX_CHARACTERS);
      if (!LISTENING.test(output)) return;
      clearTimeout(timer);
      resolve();
      // Nothing of the tunnel keeps this process from ending.
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket | null)?.unref();
    };
    child.stdout?.setEncoding("utf8").on("data", read);
    child.stderr?.setEncoding("utf8").on("data", read);
    child.stdin?.on("error", () => undefined);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(output.trim() || `gcloud ended with ${code}`));
  });
}

function failed({ bastion, zone, project }: TunnelTarget, why: string): BulkheadError {
  return new BulkheadError("REACH_TUNNEL_FAILED", `the tunnel through ${bastion} does not stand: ${redact(why).slice(0, 600)}`, {
    hint: `try it by hand: gcloud compute start-iap-tunnel ${bastion} 5432 --zone=${zone} --project=${project}; it needs roles/iap.tunnelResourceAccessor, and the bastion must run`,
  });
}

/** Closes the guard's stdin, which is the order to end. Settles when it is gone. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  child.ref();
  child.stdin?.end();
  await gone;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      const { port } = listener.address() as AddressInfo;
      listener.close(() => resolve(port));
    });
  });
}
