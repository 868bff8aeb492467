import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { ensureTls, tlsPaths } from "../../components/certificates/tls-files";
import { ensureRedisAdmin, redisAdminLogin, renderRedisConf } from "../../manager/src/redis";
import { fileStoreSecrets, readJsonSecret, writeSecretFile } from "../../manager/src/secrets/file-store";
import type { StoreSecretStore } from "../../manager/src/stores/store";
import { parseStoreSecret } from "../../manager/src/stores/store-secret";
import type { StoreEndpoint, StoreSecret } from "../../manager/src/stores/store-secret";
import { obtainDebianPackages, programOf } from "./debian-packages";
import { freePort } from "./free-port";

/** How Redis is started, or why there is none. */
export type RedisProgram = { readonly command: readonly [string, ...string[]]; readonly env: NodeJS.ProcessEnv; readonly version: string } | { readonly missing: string };

const MIN_MAJOR = 7;

/** Finds `redis-server`, 7 or newer, on the PATH; else among Debian's packages. Synchronous: whether tests are skipped must be known before they are declared. */
export function obtainRedis(env: NodeJS.ProcessEnv = process.env): RedisProgram {
  const onPath = (env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "redis-server")).find((file) => existsSync(file));
  const found = onPath === undefined ? { missing: "" } : answers([onPath], env);
  if (!("missing" in found)) return found;
  const packages = obtainDebianPackages(["redis-server"], { env });
  if ("missing" in packages) return packages;
  return answers([join(packages.root, "usr", "bin", "redis-server")], { ...env, ...packages.env });
}

/** The first with other licences, and what the Linux Foundation made of the last before: Debian 13 has both. */
export function obtainNewerRedis(name: "redis" | "valkey"): RedisProgram {
  const packages = obtainDebianPackages(["redis-server", "valkey-server"], { release: "trixie" });
  return "missing" in packages ? packages : answers(programOf(packages.root, `usr/bin/${name}-server`), process.env);
}

function answers(command: readonly [string, ...string[]], env: NodeJS.ProcessEnv): RedisProgram {
  const [program, ...args] = command;
  try {
    const version = /v=(\S+)/.exec(execFileSync(program, [...args, "--version"], { encoding: "utf8", timeout: 10_000, env }))?.[1] ?? "0";
    return Number.parseInt(version, 10) >= MIN_MAJOR ? { command, env, version } : { missing: `redis-server is ${version}, older than ${MIN_MAJOR}` };
  } catch (error) {
    return { missing: `redis-server does not start (${String((error as Error).message).split("\n")[0]!.slice(0, 200)})` };
  }
}

export interface TestRedis {
  readonly folder: string;
  readonly endpoint: StoreEndpoint;
  readonly aclPath: string;
  readonly adminPath: string;
  readonly secrets: StoreSecretStore;
  readonly readAdmin: () => Promise<StoreSecret | undefined>;
  /** As a target does: admin secret and ACL file first, then the server. Resolves when it answers. */
  start(): Promise<void>;
  /** SIGKILL by default. Resolves when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Stops everything and removes the folder. */
  dispose(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;

/** A server of its own in a folder of its own on a free port, with TLS and Bulkhead's configuration. */
export async function startRedis({ command: [program, ...args], env }: Exclude<RedisProgram, { missing: string }>, { maxMemoryBytes = 64 << 20 } = {}): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-redis-"));
  const tls = tlsPaths(join(folder, "tls"));
  const { ca } = await ensureTls({ directory: join(folder, "tls"), hostNames: ["localhost"], addresses: ["127.0.0.1"], progress: () => {} });
  const endpoint = { host: "localhost", port: await freePort(), ca };
  const [aclPath, adminPath, configPath] = [join(folder, "acl", "users.acl"), join(folder, "redis-admin.json"), join(folder, "redis.conf")];
  mkdirSync(join(folder, "data"));
  const conf = renderRedisConf({ port: endpoint.port, bind: ["127.0.0.1", "-::1"], certificateFile: tls.certificate, keyFile: tls.key, aclFile: aclPath, dataFolder: join(folder, "data"), maxMemoryBytes, logFile: join(folder, "redis.log") });
  writeFileSync(configPath, conf);
  const readAdmin = (): Promise<StoreSecret | undefined> => readJsonSecret(adminPath, parseStoreSecret);
  let child: ChildProcess | undefined;
  const redis: TestRedis = {
    folder,
    endpoint,
    aclPath,
    adminPath,
    secrets: fileStoreSecrets(join(folder, "secrets")),
    readAdmin,
    async start() {
      const admin = await ensureRedisAdmin({ endpoint, aclPath, readSecret: readAdmin, writeSecret: (secret) => writeSecretFile(adminPath, secret) });
      const started = (child = spawn(program, [...args, configPath], { env, stdio: "ignore" }));
      for (const deadline = Date.now() + START_TIMEOUT_MS; (await redisAdminLogin(admin)) !== "accepted"; ) {
        if (started.exitCode !== null || Date.now() > deadline) throw new Error(`redis-server does not answer:\n${readFileSync(join(folder, "redis.log"), "utf8")}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
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
    async dispose() {
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await redis.start();
    return redis;
  } catch (error) {
    await redis.dispose();
    throw error;
  }
}
