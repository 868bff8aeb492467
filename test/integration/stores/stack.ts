import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { CLICKHOUSE_SERVER } from "../../../components/local/stores/clickhouse-server";
import { ensureStore } from "../../../components/local/stores/ensure-store";
import type { RunningStore } from "../../../components/local/stores/examine-store";
import { REDIS_SERVER } from "../../../components/local/stores/redis-server";
import { destroyStore, stopStore } from "../../../components/local/stores/stop-store";
import { isAbsence } from "../../../components/local/stores/store-server";
import type { StoreServer } from "../../../components/local/stores/store-server";
import type { StoreAbsence, Store } from "../../../manager/src/stores/store";
import type { StoreKind } from "../../../manager/src/stores/store-secret";
import { freePort } from "../../support/free-port";

export const SERVERS: Readonly<Record<StoreKind, StoreServer>> = { redis: REDIS_SERVER, clickhouse: CLICKHOUSE_SERVER };
/** What the stores of these tests are for. */
export const SERVICES = ["auth", "l2p"];
const ROOT = join(__dirname, "..", "..", "..");

/** A stack directory with one store to be rough with. */
export interface StoreStack {
  readonly checkout: string;
  readonly stackDirectory: string;
  /** What the last `ensure` reported. */
  readonly progress: string[];
  readonly port: number;
  ensure(server?: Partial<StoreServer>, signal?: AbortSignal): Promise<RunningStore | StoreAbsence>;
  /** The same, and it has to run. */
  start(): Promise<RunningStore>;
  /** Of a server that runs. */
  open(): Promise<Store>;
  stop(): Promise<boolean>;
  destroy(): Promise<void>;
  /** The noted process. */
  pid(): number;
  remove(): Promise<void>;
}

export async function makeStoreStack(kind: StoreKind, { mode = 0o755 }: { mode?: number } = {}): Promise<StoreStack> {
  const checkout = mkdtempSync(join(tmpdir(), "bulkhead-stores-"));
  chmodSync(checkout, mode);
  const stackDirectory = join(checkout, ".bulkhead", "dev");
  const port = await freePort();
  const progress: string[] = [];
  const quiet = { stackDirectory, progress: () => undefined };
  const server = SERVERS[kind];
  const stack: StoreStack = {
    checkout,
    stackDirectory,
    progress,
    port,
    ensure(changes = {}, signal) {
      progress.length = 0;
      return ensureStore({ ...server, ...changes }, { stackDirectory, preferredPort: port, progress: (line) => progress.push(line), signal });
    },
    async start() {
      const found = await stack.ensure();
      if (isAbsence(found)) throw new Error(`absent: ${found.reason}`);
      return found;
    },
    async open() {
      const { dataDirectory, ...endpoint } = await stack.start();
      return server.open({ dataDirectory, secrets: join(stackDirectory, "secrets"), progress: () => undefined }, { host: endpoint.host, port: endpoint.port, ca: endpoint.ca }, SERVICES);
    },
    stop: () => stopStore(server, quiet),
    destroy: () => destroyStore(server, quiet),
    pid: () => (JSON.parse(readFileSync(join(stackDirectory, kind, "process.json"), "utf8")) as { pid: number }).pid,
    async remove() {
      const external = linkTarget(join(stackDirectory, kind, "data"));
      await stack.destroy();
      if (external !== undefined) rmSync(dirname(external), { recursive: true, force: true });
      rmSync(checkout, { recursive: true, force: true });
    },
  };
  return stack;
}

export function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** `ensureStore` in a process of its own, as the command line runs it. */
export function ensureInChild(kind: StoreKind, { stackDirectory, port }: Pick<StoreStack, "stackDirectory" | "port">, uid?: number): { readonly process: ChildProcess; readonly result: Promise<RunningStore | StoreAbsence | undefined> } {
  const child = spawn(process.execPath, ["-r", "tsx/cjs", join(__dirname, "ensure-store-child.ts"), JSON.stringify({ kind, stackDirectory, preferredPort: port })], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], ...(uid === undefined ? {} : { TMPDIR: dirname(dirname(stackDirectory)) }) },
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => { output += chunk; });
  const result = new Promise<RunningStore | StoreAbsence | undefined>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve(output === "" ? undefined : (JSON.parse(output) as RunningStore | StoreAbsence)));
  });
  return { process: child, result };
}
