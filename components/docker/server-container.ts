import type { ContainerArgs } from "@pulumi/docker/container";
import type { Input } from "@pulumi/pulumi";

import type { ContainerLimits, DockerConfig } from "./config";
import { CONTAINERS, LABELS, PORTS } from "./names";
import type { Server } from "./names";
import type { DockerPaths } from "./paths";
import { configHash } from "./write-config";
import type { ConfigFiles } from "./write-config";

/** Where things are in a server's container. */
export const INSIDE = {
  /** What the server reads at its start, with start.sh and health.sh. */
  config: "/etc/bulkhead",
  /** Certificates, as on the host. */
  tls: "/etc/bulkhead-tls",
  /** Folder of users, which the server reads again while it runs. */
  users: "/etc/bulkhead-users",
  /** In memory: certificates as they belong to the server's user. */
  keys: "/run/bulkhead",
} as const;

/** One of the tier's servers, as far as they differ. */
export interface ServerSpec {
  readonly server: Server;
  /** What it reads at its start, start.sh and health.sh included. */
  readonly files: ConfigFiles;
  /** Folder of its data inside: there is the volume. */
  readonly data: string;
  /** What start.sh is given; no secret is among it. */
  readonly startArguments: readonly string[];
  readonly healthArguments: readonly string[];
  readonly limits: ContainerLimits;
  /** On the host. */
  readonly port: number;
  /** What asks it to end cleanly, and how long that may take. */
  readonly stop: { readonly signal: string; readonly graceSeconds: number };
  /** Size of /dev/shm, in MB. Default: Docker's 64. */
  readonly shmSizeMb?: number;
}

export interface ServerContainerArgs {
  readonly config: Pick<DockerConfig, "bindAddress">;
  readonly paths: DockerPaths;
  readonly labels: Readonly<Record<string, string>>;
  /** `sha256:…` */
  readonly imageId: Input<string>;
  readonly networkId: Input<string>;
  readonly volume: Input<string>;
  /** PEM text of the servers' certificate; another one is another container. Undefined in the preview of a stack that has none yet. */
  readonly certificate: string | undefined;
}

/**
 * A server's container, in forms that come back from the engine as they went in: whatever came back another would be a difference for ever. For the sources see
 * docs/decisions.md.
 */
export function serverContainer(spec: ServerSpec, { config, paths, labels, imageId, networkId, volume, certificate }: ServerContainerArgs): ContainerArgs {
  const { server, stop } = spec;
  const healthcheck = { tests: ["CMD", "/bin/sh", `${INSIDE.config}/health.sh`, ...spec.healthArguments], interval: "5s", timeout: "5s", startPeriod: "1m0s", retries: 5 };
  const fixed = { healthcheck, limits: spec.limits, files: { ...spec.files, certificate: certificate ?? "" } };
  const readOnly = (hostPath: string, containerPath: string) => ({ hostPath, containerPath, readOnly: true });
  return {
    name: CONTAINERS[server],
    ...baseContainer({ imageId, networkId, alias: CONTAINERS[server], labels: configLabels(labels, fixed), limits: spec.limits }),
    // The image's own entry script is passed over: it wants secrets in variables, and makes users of them.
    entrypoints: ["/bin/sh", `${INSIDE.config}/start.sh`],
    command: [...spec.startArguments],
    // start.sh gives files to the server's user, then becomes that user; whatever user the image would start as.
    user: "0",
    capabilities: { drops: ["ALL"], adds: START_CAPABILITIES },
    volumes: [
      { volumeName: volume, containerPath: spec.data, readOnly: false },
      readOnly(paths.config[server], INSIDE.config),
      readOnly(paths.tls, INSIDE.tls),
      ...(server === "postgres" ? [] : [readOnly(paths.users[server], INSIDE.users)]),
    ],
    tmpfs: { [INSIDE.keys]: "size=1m,mode=0700" },
    ports: [published(PORTS[server], spec.port, config.bindAddress)],
    healthcheck,
    stopSignal: stop.signal,
    // Of `docker stop`, and of the provider, which otherwise kills what it removes.
    stopTimeout: stop.graceSeconds,
    destroyGraceSeconds: stop.graceSeconds,
    ...(spec.shmSizeMb === undefined ? {} : { shmSize: spec.shmSizeMb }),
  };
}

/** To give away files, to read those of the host's user, and to become the server's user; for Docker's init, which stays root, to hand on signals to it. With the prefix, as newer engines give them back. */
const START_CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"];

/** What all containers have. */
export function baseContainer({ imageId, networkId, alias, labels, limits }: { imageId: Input<string>; networkId: Input<string>; alias: string; labels: Readonly<Record<string, string>>; limits: ContainerLimits }): ContainerArgs {
  return {
    // The engine gives back the id of an image, whatever name a container was made with: a name would be a difference for ever.
    image: imageId,
    labels: Object.entries(labels).map(([label, value]) => ({ label, value })),
    // By id: a network that was removed by hand and made again is another one, to which no old container can be connected.
    networksAdvanced: [{ name: networkId, aliases: [alias] }],
    // A server that is process 1 itself cannot end by a signal of its own: one that aborts would spin for ever, and nobody would restart it.
    init: true,
    restart: "unless-stopped",
    // Else a container that was stopped would be removed and made anew when it is looked at.
    mustRun: false,
    memory: limits.memoryMb,
    // Alone, `memory` would come back with a `memorySwap` of its own.
    memorySwap: limits.memoryMb,
    // Not `cpus`, of which the engine takes no more than the machine has.
    cpuPeriod: CPU_PERIOD_MICROSECONDS,
    cpuQuota: Math.round(limits.cpus * CPU_PERIOD_MICROSECONDS),
    // Named, since an engine with another driver of its own would refuse these options.
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    securityOpts: ["no-new-privileges:true"],
  };
}

/**
 * Labels with a hash of what makes a container another one though the provider would not make it anew: files that it reads at its start, and what the provider says
 * it changed without doing so (health check, CPU quota). Memory it can change while the container runs.
 */
export function configLabels(labels: Readonly<Record<string, string>>, { healthcheck, limits, files }: { healthcheck: object | null; limits: ContainerLimits; files: ConfigFiles }): Readonly<Record<string, string>> {
  return { ...labels, [LABELS.config]: configHash({ ...files, healthcheck: JSON.stringify(healthcheck), cpus: String(limits.cpus) }) };
}

/** The kernel's own. */
const CPU_PERIOD_MICROSECONDS = 100_000;

/** The address is always named: without one the engine publishes a port twice, for IPv4 and IPv6, and gives both back. */
export function published(internal: number, external: number, ip: string): { internal: number; external: number; ip: string; protocol: string } {
  return { internal, external, ip, protocol: "tcp" };
}
