import { join } from "node:path";

import { renderRedisConf } from "../../../manager/src/redis/conf";
import { fileStoreSecrets, readJsonSecret } from "../../../manager/src/secrets/file-store";
import { parseStoreSecret } from "../../../manager/src/stores/store-secret";
import type { StoreSecret } from "../../../manager/src/stores/store-secret";
import { writeFileAtomically } from "../../write-file";
import { runProgram } from "../server/run-program";
import { findOnPath, installCommand, missing } from "./find-program";
import type { StoreServer } from "./store-server";

const TITLE = "Redis";
const VERSION_TIMEOUT_MS = 10_000;
/** The first whose configuration knows all that `renderRedisConf` says. */
const MIN_MAJOR = 7;
/** For data: a developer's machine has other things to do. */
const MAX_MEMORY_BYTES = 256 * 1024 ** 2;

/** Loaded when it is called: where there is no Redis it is not needed. */
/* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript */
const library = {
  admin: () => require("../../../manager/src/redis/admin") as typeof import("../../../manager/src/redis/admin"),
  store: () => require("../../../manager/src/redis/redis-store") as typeof import("../../../manager/src/redis/redis-store"),
};
/* eslint-enable @typescript-eslint/no-require-imports */

/** Redis as a server of this machine. */
export const REDIS_SERVER: StoreServer = {
  kind: "redis",
  title: TITLE,
  preferredPort: 6379,
  stopSteps: [
    ["SIGTERM", 20_000],
    ["SIGKILL", 4_000],
  ],
  isServer: (name) => name.startsWith("redis"),
  environment: {},

  async findProgram(signal) {
    const fix = installCommand({ "apt-get": "redis-server", dnf: "redis", apk: "redis", pacman: "redis", brew: "redis" }, "brew install redis");
    const program = findOnPath("redis-server");
    if (program === undefined) return missing(TITLE, "redis-server", fix);
    const { stdout, stderr } = await runProgram(program, ["--version"], { timeoutMs: VERSION_TIMEOUT_MS, signal });
    const version = /v=(\d+\.[\d.]*\d)/.exec(stdout)?.[1];
    if (version === undefined) return { reason: `${program} does not say which version it is: ${(stdout || stderr).trim().split("\n")[0] ?? ""}`, fix };
    if (Number.parseInt(version, 10) < MIN_MAJOR) return { reason: `Redis ${version} (${program}) is too old to keep services apart; that takes ${MIN_MAJOR}.0 or later`, fix };
    return { program, args: [], version };
  },

  args: (dataDirectory) => [join(dataDirectory, "redis.conf")],

  configuration({ dataDirectory, port }) {
    const inside = (name: string): string => join(dataDirectory, name);
    const conf = renderRedisConf({
      port,
      bind: ["127.0.0.1", "-::1"],
      certificateFile: inside("server.crt"),
      keyFile: inside("server.key"),
      aclFile: aclFile(dataDirectory),
      dataFolder: dataDirectory,
      maxMemoryBytes: MAX_MEMORY_BYTES,
    });
    return new Map([["redis.conf", conf]]);
  },

  async prepareUsers({ dataDirectory, secrets, progress }, endpoint, { files }) {
    const { path, readSecret } = adminSecretFile(secrets, progress);
    // Belongs to the owner of the checkout, as the other admin's does.
    const writeSecret = async (secret: StoreSecret): Promise<void> => Promise.resolve(writeFileAtomically(path, `${JSON.stringify(secret, undefined, 2)}\n`, { mode: 0o600, owner: files }));
    await library.admin().ensureRedisAdmin({ endpoint, aclPath: aclFile(dataDirectory), readSecret, writeSecret });
  },

  async whyUnfit({ secrets, progress }, signal) {
    const secret = await adminSecretFile(secrets, progress).readSecret();
    if (secret === undefined) return "the admin's secret is lost or damaged";
    const login = await library.admin().redisAdminLogin(secret, signal);
    return login === "accepted" ? undefined : "the admin's secret does not fit";
  },

  open({ dataDirectory, secrets, progress }, endpoint, services) {
    return library.store().redisStore({ services, endpoint, aclPath: aclFile(dataDirectory), readAdmin: adminSecretFile(secrets, progress).readSecret, secrets: fileStoreSecrets(secrets, progress) });
  },
};

function aclFile(dataDirectory: string): string {
  return join(dataDirectory, "users.acl");
}

function adminSecretFile(secrets: string, progress: (line: string) => void) {
  const path = join(secrets, "redis-admin.json");
  return { path, readSecret: () => readJsonSecret(path, parseStoreSecret, progress) };
}
