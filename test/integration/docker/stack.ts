import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDockerConfig } from "../../../components/docker/config";
import { CONTAINERS, NETWORK, labelsOf, volumeName } from "../../../components/docker/names";
import { dockerPaths } from "../../../components/docker/paths";
import { writeServerFiles } from "../../../components/docker/prepare";
import { INSIDE } from "../../../components/docker/server-container";
import { serverSpecs } from "../../../components/docker/servers";
import type { TierContext } from "../../../components/tier";
import { defineServices } from "../../../manager/src/catalog/define-services";
import type { DockerDaemon } from "../../support/docker/daemon";
import { freePort } from "../../support/free-port";

/** A docker stack of a test, in a checkout that holds nothing else. */
export interface TestStack {
  readonly context: TierContext;
  /** What was told while something took its time. */
  readonly told: string[];
  /** Writes what the containers mount; again, what is lost. */
  writeFiles(): Promise<void>;
  /** Makes what the program would declare: files, network, volumes and containers, which are not started. */
  make(): Promise<void>;
  remove(): void;
}

export interface TestStackOptions {
  readonly name?: string;
  readonly services?: Parameters<typeof defineServices>[0];
  /** Added to the settings of `bulkhead:postgres`. */
  readonly postgres?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

export async function createTestStack(daemon: DockerDaemon, { name = "dev", services = { auth: { port: 3001 } }, postgres, signal }: TestStackOptions = {}): Promise<TestStack> {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-docker-stack-"));
  const catalog = defineServices(services);
  const [postgresPort, redisPort, clickhousePort] = [await freePort(), await freePort(), await freePort()];
  const settings = { "bulkhead:images": { pull: "never" }, "bulkhead:postgres": { port: postgresPort, ...postgres }, "bulkhead:redis": { port: redisPort }, "bulkhead:clickhouse": { port: clickhousePort } };
  const told: string[] = [];
  const context: TierContext = { stack: name, root, config: { stack: name, target: "docker", settings }, catalog: () => catalog, progress: (line) => void told.push(line), ...(signal && { signal }) };
  const labels = Object.entries(labelsOf(context)).flatMap(([label, value]) => ["--label", `${label}=${value}`]);
  const config = parseDockerConfig(context.config, catalog);
  const specs = serverSpecs(config, catalog);
  const paths = dockerPaths(context);
  const writeFiles = async (): Promise<void> => void (await writeServerFiles(context, specs, config));
  return {
    context,
    told,
    writeFiles,
    async make() {
      await writeFiles();
      daemon.run("network", "create", ...labels, NETWORK);
      for (const { server, data, startArguments, port, stop } of specs) {
        const volume = (server === "postgres" ? config.postgres.volume : null) ?? volumeName(name, server);
        if (volume === volumeName(name, server)) daemon.run("volume", "create", ...labels, volume);
        const mounts = [`${volume}:${data}`, `${paths.config[server]}:${INSIDE.config}:ro`, `${paths.tls}:${INSIDE.tls}:ro`, ...(server === "postgres" ? [] : [`${paths.users[server]}:${INSIDE.users}:ro`])].flatMap((mount) => ["--volume", mount]);
        const settingsOf = ["--network", NETWORK, "--network-alias", CONTAINERS[server], "--publish", `127.0.0.1:${port}:${{ postgres: 5432, redis: 6379, clickhouse: 8443 }[server]}`, "--tmpfs", `${INSIDE.keys}:size=1m,mode=0700`, "--restart", "unless-stopped", "--stop-signal", stop.signal, "--user", "0", "--entrypoint", "/bin/sh"];
        daemon.run("create", "--name", CONTAINERS[server], ...labels, ...mounts, ...settingsOf, config.images[server], `${INSIDE.config}/start.sh`, ...startArguments);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
