import type { Catalog } from "../../manager/src/catalog/catalog";
import { imageParts } from "../../manager/src/catalog/web";
import { Problems } from "../settings/problems";
import { mapOf, readSection, readSetting } from "../settings/read-section";
import type { ValuesOf } from "../settings/read-section";
import { ownSettings } from "../stack-config";
import type { StackConfig } from "../stack-config";
import { SERVERS } from "./names";
import type { Server } from "./names";
import { BIND_ADDRESS, CLICKHOUSE, IMAGES, MAX_CONNECTIONS, OWN_SETTINGS, POSTGRES, REDIS, SERVICE, withRegistry } from "./settings";

/** What a container may use of the machine. */
export interface ContainerLimits {
  readonly memoryMb: number;
  /** May be a fraction. */
  readonly cpus: number;
}

/** A service that runs as a container. */
export interface ServiceConfig extends ContainerLimits {
  readonly image: string;
  /** Whether Bulkhead's own health check is put on the container. */
  readonly healthCheck: boolean;
}

/** Configuration of a `docker` stack, with every default filled in. The settings of each part are explained in settings.ts. */
export interface DockerConfig {
  readonly bindAddress: string;
  readonly maxConnections: number;
  /** Whether images are pulled that are not on the engine. */
  readonly pull: "missing" | "never";
  /** Full names of the servers' images, registry included. */
  readonly images: Readonly<Record<Server, string>>;
  /** Null for `volume`: a volume of the stack's own. */
  readonly postgres: Omit<ValuesOf<typeof POSTGRES>, "volume"> & { readonly volume: string | null };
  readonly redis: ValuesOf<typeof REDIS>;
  readonly clickhouse: ValuesOf<typeof CLICKHOUSE>;
  /** By name: the services that have an image in the stack, or one with tag or digest in the catalog, but for those that the stack switches off with `false`. */
  readonly services: Readonly<Record<string, ServiceConfig>>;
}

/**
 * The configuration of a docker stack, checked as a whole and against the catalog. Pure: asks nobody.
 *
 * @throws BulkheadError `CONFIG_INVALID` with every problem and, for each, the line that mends it
 */
export function parseDockerConfig(config: StackConfig, catalog: Catalog): DockerConfig {
  const problems = new Problems(config.stack);
  const own = ownSettings(config);
  for (const name of Object.keys(own)) if (!(OWN_SETTINGS as readonly string[]).includes(name)) problems.remove(name, `is no setting of a docker stack; it has target, ${OWN_SETTINGS.join(", ")}`);

  const { registry, pull, ...images } = readSection(IMAGES, "images", own["images"], problems);
  const postgres = readSection(POSTGRES, "postgres", own["postgres"], problems);
  const parsed: DockerConfig = {
    bindAddress: readSetting(BIND_ADDRESS, "bindAddress", own["bindAddress"], problems)!,
    maxConnections: readSetting(MAX_CONNECTIONS, "maxConnections", own["maxConnections"], problems)!,
    pull,
    images: { postgres: withRegistry(images.postgres, registry), redis: withRegistry(images.redis, registry), clickhouse: withRegistry(images.clickhouse, registry) },
    postgres: { ...postgres, volume: postgres.volume ?? null },
    redis: readSection(REDIS, "redis", own["redis"], problems),
    clickhouse: readSection(CLICKHOUSE, "clickhouse", own["clickhouse"], problems),
    services: readServices(own["services"], catalog, problems),
  };
  checkPorts(parsed, catalog, problems);
  problems.throwIfAny();
  return parsed;
}

/** Servers that the stack has: Postgres always, the stores where a service asks for them. */
export function serversOf({ services }: Catalog): readonly Server[] {
  return SERVERS.filter((server) => server === "postgres" || services.some((service) => service[server]));
}

function readServices(raw: unknown, catalog: Catalog, problems: Problems): Readonly<Record<string, ServiceConfig>> {
  const map = mapOf(raw, "services", problems);
  for (const name of Object.keys(map)) {
    if (!catalog.services.some((service) => service.name === name)) problems.remove(`services.${name}`, `is no service of services.ts; it has ${catalog.services.map((service) => service.name).join(", ")}`);
  }
  return Object.fromEntries(
    catalog.services.flatMap(({ name, image }) => {
      const path = `services.${name}`;
      const own = Object.hasOwn(map, name) ? map[name] : undefined;
      if (own === false || own === "false") return [];
      const values = readSection(SERVICE, path, own, problems);
      const chosen = values.image ?? (image !== null && isOneImage(image) ? image : undefined);
      if (chosen !== undefined) return [[name, { ...values, image: chosen }]];
      if (own !== undefined && problems.clean(path)) problems.set(`${path}.image`, "is not set, and services.ts names no image with a tag or a digest, so there is nothing to run", SERVICE.image.example);
      return [];
    }),
  );
}

/** Without tag and digest it is a repository, of which each stack says what it runs. */
function isOneImage(image: string): boolean {
  const { tag, digest } = imageParts(image);
  return tag !== undefined || digest !== undefined;
}

/** Two containers cannot have one port of the host. A service's port is the catalog's, so it is the server's that gives way. */
function checkPorts(config: DockerConfig, catalog: Catalog, problems: Problems): void {
  const taken = new Map(catalog.services.filter(({ name }) => Object.hasOwn(config.services, name)).map(({ name, port }) => [port, `service ${name}`]));
  for (const server of serversOf(catalog)) {
    const path = `${server}.port`;
    if (!problems.clean(server)) continue;
    const { port } = config[server];
    const owner = taken.get(port);
    if (owner === undefined) taken.set(port, server);
    else problems.set(path, `is ${port}, which is the port of ${owner}`, String(freePort(port + 10_000, taken)));
  }
}

function freePort(wanted: number, taken: ReadonlyMap<number, string>): number {
  let port = wanted > 65_535 ? 20_000 : wanted;
  while (taken.has(port)) port += 1;
  return port;
}
