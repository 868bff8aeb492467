import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { ensureTls, tlsPaths } from "../../components/certificates/tls-files";
import { canReach } from "../../components/local/server/run-as";
import { DEVELOPER_LIMITS } from "../../manager/src/clickhouse/limits";
import { renderBaseUsers, renderServerConfig } from "../../manager/src/clickhouse/server-config";
import { serverVersion } from "../../manager/src/clickhouse/server-version";
import { clickHouseStore } from "../../manager/src/clickhouse/store";
import type { ClickHouseStoreOptions } from "../../manager/src/clickhouse/store";
import { LOOPBACK } from "../../manager/src/clickhouse/users";
import { fileStoreSecrets } from "../../manager/src/secrets/file-store";
import type { Store, StoreSecretStore } from "../../manager/src/stores/store";
import type { StoreEndpoint, StoreSecret } from "../../manager/src/stores/store-secret";
import { obtainDebianPackages } from "./debian-packages";
import { freePort } from "./free-port";

/** Where ClickHouse is, or why there is none. */
export type ClickHouseProgram = { readonly program: string; readonly env: NodeJS.ProcessEnv } | { readonly missing: string };

/** Finds `clickhouse-server` on the PATH; else among Debian's packages, which have 18.16. Synchronous: whether tests are skipped must be known before they are declared. */
export function obtainClickHouse(env: NodeJS.ProcessEnv = process.env): ClickHouseProgram {
  const onPath = (env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "clickhouse-server")).find((file) => existsSync(file));
  if (onPath !== undefined) return { program: onPath, env };
  const packages = obtainDebianPackages(["clickhouse-server"], { env });
  if ("missing" in packages) return packages;
  const program = ["usr/sbin", "usr/bin"].map((part) => join(packages.root, part, "clickhouse-server")).find((file) => existsSync(file));
  return program === undefined ? { missing: "Debian's clickhouse-server has no program of that name" } : { program, env: { ...env, ...packages.env } };
}

export interface TestClickHouse {
  readonly folder: string;
  readonly endpoint: StoreEndpoint;
  /** The server's `users.d`. */
  readonly usersDirectory: string;
  readonly secrets: StoreSecretStore;
  /** The store of these services; another call with others is what a changed catalog is. */
  store(services: readonly string[], more?: Partial<ClickHouseStoreOptions>): Store;
  /** The secret of a service that is set up. */
  secretOf(service: string): Promise<StoreSecret>;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** SIGKILL by default. Resolves when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  log(): string;
  /** Stops everything and removes the folder. */
  dispose(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
/** Called `nobody` on most machines. */
const NOBODY = { uid: 65534, gid: 65534 };

/** A server of its own in a folder of its own on a free port, with TLS and Bulkhead's configuration in the old dialect. */
export async function startClickHouse({ program, env }: Exclude<ClickHouseProgram, { missing: string }>): Promise<TestClickHouse> {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-clickhouse-"));
  const inside = (name: string): string => join(folder, name);
  const { ca } = await ensureTls({ directory: inside("tls"), hostNames: ["localhost"], addresses: ["127.0.0.1"], progress: () => {} });
  const tls = tlsPaths(inside("tls"));
  const endpoint = { host: "localhost", port: await freePort(), ca };
  const [usersDirectory, config, logFile] = [inside("users.d"), inside("config.xml"), inside("server.log")];
  for (const name of ["data", "users.d", "pem"]) mkdirSync(inside(name));
  // Programs of a cache in root's home are for root alone; then root runs them, which ClickHouse allows where the data are root's.
  const owner = process.getuid?.() === 0 && canReach(program, NOBODY) ? NOBODY : undefined;
  const [certificate, key] = [inside("pem/server.crt"), inside("pem/server.key")];
  writeFileSync(certificate, readFileSync(tls.certificate));
  writeFileSync(key, readFileSync(tls.key), { mode: 0o600 });
  writeFileSync(inside("users.xml"), renderBaseUsers("allow-databases"));
  writeFileSync(config, renderServerConfig({ dialect: "allow-databases", listenHosts: ["127.0.0.1"], httpsPort: endpoint.port, tls: { certificate, key }, dataDirectory: inside("data"), usersFile: inside("users.xml"), logFile, maxMemoryBytes: 1 << 30 }));
  chmodSync(folder, 0o755);
  if (owner !== undefined) for (const path of [folder, inside("data"), certificate, key]) chownSync(path, owner.uid, owner.gid);

  const secrets = fileStoreSecrets(inside("secrets"));
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, "utf8") : "");
  let child: ChildProcess | undefined;
  const clickhouse: TestClickHouse = {
    folder,
    endpoint,
    usersDirectory,
    secrets,
    store: (services, more = {}) => clickHouseStore({ services, endpoint, usersDirectory, secrets, networks: LOOPBACK, limits: DEVELOPER_LIMITS, ...more }),
    async secretOf(service) {
      const secret = await secrets.readStore(service, "clickhouse");
      if (secret === undefined) throw new Error(`${service} has no secret`);
      return secret;
    },
    async start() {
      const started = (child = spawn(program, [`--config-file=${config}`], { cwd: folder, env: { PATH: env["PATH"], LD_LIBRARY_PATH: env["LD_LIBRARY_PATH"], LC_ALL: "C", TZ: "UTC" }, stdio: "ignore", ...owner }));
      started.on("error", () => undefined);
      for (const deadline = Date.now() + START_TIMEOUT_MS; (await serverVersion(endpoint).catch(() => undefined)) === undefined; ) {
        if (started.exitCode !== null || started.signalCode !== null || Date.now() > deadline) throw new Error(`clickhouse-server does not answer:\n${log().slice(-4_000)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop(signal = "SIGKILL") {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const gone = new Promise((resolve) => running.once("exit", resolve));
      running.kill(signal);
      await gone;
    },
    log,
    async dispose() {
      await clickhouse.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await clickhouse.start();
    return clickhouse;
  } catch (error) {
    await clickhouse.dispose();
    throw error;
  }
}
