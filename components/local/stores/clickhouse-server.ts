import { join } from "node:path";

import { clickHouseDialect } from "../../../manager/src/clickhouse/dialect";
import { CLICKHOUSE_HTTPS_PORT, renderBaseUsers, renderServerConfig } from "../../../manager/src/clickhouse/server-config";
import { fileStoreSecrets } from "../../../manager/src/secrets/file-store";
import { makeDirectory } from "../../write-file";
import { runProgram } from "../server/run-program";
import { findOnPath, installCommand, missing, SUDO } from "./find-program";
import type { StoreServer } from "./store-server";

const TITLE = "ClickHouse";
/** Whence users may come. */
const LOOPBACK = ["127.0.0.1", "::1"];
const VERSION_TIMEOUT_MS = 10_000;
/** What a server says that is too old to know the question. */
const OLD_VERSION = "18";
/** Of all queries and caches together: a developer's machine has other things to do. */
const MAX_MEMORY_BYTES = 1024 ** 3;

/** ClickHouse as a server of this machine. Any version will do; what it can be asked to hold back differs. */
export const CLICKHOUSE_SERVER: StoreServer = {
  kind: "clickhouse",
  title: TITLE,
  preferredPort: CLICKHOUSE_HTTPS_PORT,
  stopSteps: [
    ["SIGTERM", 20_000],
    ["SIGKILL", 4_000],
  ],
  isServer: (name) => name.startsWith("clickhouse"),
  // Else newer ones run a second process beside the server, which would be the one that is known here.
  environment: { CLICKHOUSE_WATCHDOG_ENABLE: "0" },

  async findProgram(signal) {
    const found = findServer();
    if (found === undefined) return missing(TITLE, "clickhouse-server", installCommand({ "apt-get": "clickhouse-server" }, `curl -fsSL https://clickhouse.com/ | sh && ${SUDO}mv clickhouse /usr/local/bin/`));
    const { stdout } = await runProgram(found.program, [...found.args, "--version"], { timeoutMs: VERSION_TIMEOUT_MS, signal });
    return { ...found, version: /version (\d+\.[\d.]*\d)/.exec(stdout)?.[1] ?? OLD_VERSION };
  },

  args: (dataDirectory) => [`--config-file=${join(dataDirectory, "config.xml")}`],

  configuration({ dataDirectory, version, port }) {
    const dialect = clickHouseDialect(version);
    const inside = (name: string): string => join(dataDirectory, name);
    const config = renderServerConfig({
      dialect,
      listenHosts: ["127.0.0.1", "::1"],
      httpsPort: port,
      tls: { certificate: inside("server.crt"), key: inside("server.key") },
      dataDirectory: inside("tables"),
      usersFile: inside("users.xml"),
      logFile: null,
      maxMemoryBytes: MAX_MEMORY_BYTES,
    });
    return new Map([
      ["config.xml", config],
      ["users.xml", renderBaseUsers(dialect)],
    ]);
  },

  // Users come with the setup: without any nobody gets in.
  prepareUsers({ dataDirectory }, _endpoint, { server }) {
    makeDirectory(usersDirectory(dataDirectory), { mode: 0o755, owner: server });
    return Promise.resolve();
  },

  // It has no admin whose secret could be lost.
  whyUnfit: () => Promise.resolve(undefined),

  open: ({ dataDirectory, secrets, progress }, endpoint, services) =>
    loadStore().clickHouseStore({ services, endpoint, usersDirectory: usersDirectory(dataDirectory), secrets: fileStoreSecrets(secrets, progress), networks: LOOPBACK }),
};

/** Loaded when it is called: where there is no ClickHouse it is not needed. */
function loadStore(): typeof import("../../../manager/src/clickhouse/store") {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  return require("../../../manager/src/clickhouse/store") as typeof import("../../../manager/src/clickhouse/store");
}

function usersDirectory(dataDirectory: string): string {
  return join(dataDirectory, "users.d");
}

/** `clickhouse-server`, as packages install it, or the one program that is everything. */
function findServer(): { readonly program: string; readonly args: readonly string[] } | undefined {
  const server = findOnPath("clickhouse-server");
  if (server !== undefined) return { program: server, args: [] };
  const all = findOnPath("clickhouse");
  return all === undefined ? undefined : { program: all, args: ["server"] };
}
