import type { Catalog } from "../../manager/src/catalog/catalog";
import { serverVersion } from "../../manager/src/clickhouse/server-version";
import { clickHouseStore } from "../../manager/src/clickhouse/store";
import { LOOPBACK, PRIVATE_NETWORKS } from "../../manager/src/clickhouse/users";
import { messageOf } from "../../manager/src/errors/bulkhead-error";
import { redisAdminLogin } from "../../manager/src/redis/admin";
import { redisStore } from "../../manager/src/redis/redis-store";
import { readJsonSecret } from "../../manager/src/secrets/file-store";
import type { Store, StoreAbsence, StoreSecretStore } from "../../manager/src/stores/store";
import { parseStoreSecret } from "../../manager/src/stores/store-secret";
import type { StoreEndpoint, StoreKind, StoreSecret } from "../../manager/src/stores/store-secret";
import type { TierContext } from "../tier";
import { waitUntilReady, whyNotOurs } from "./access-ready";
import type { DockerConfig } from "./config";
import { restartContainer } from "./engine/containers";
import type { Container } from "./engine/inspect";
import { CONTAINERS, PORTS } from "./names";
import { dockerPaths } from "./paths";

const RESTART_GRACE_SECONDS = 30;

/** What the stores are made of. */
export interface DockerStoresOptions {
  readonly context: TierContext;
  readonly config: DockerConfig;
  readonly catalog: Catalog;
  /** Containers as they are, by name. */
  readonly containers: ReadonlyMap<string, Container>;
  /** PEM text. */
  readonly ca: string;
  readonly secrets: StoreSecretStore;
}

/** Redis and ClickHouse for the services that ask for them; one whose container does not run is there with the reason. */
export function dockerStores({ context, config, catalog, containers, ca, secrets }: DockerStoresOptions): readonly Store[] {
  const paths = dockerPaths(context);
  const stores = (["redis", "clickhouse"] as const).map((kind) => {
    const services = catalog.services.filter((service) => service[kind]).map(({ name }) => name);
    const container = containers.get(CONTAINERS[kind]);
    const endpoint = endpointOf(kind, config, ca, container);
    const absence = absenceOf(kind, container, context);
    return kind === "redis"
      ? redisStore({ services, endpoint, absence, secrets, aclPath: paths.aclFile, readAdmin: () => readRedisAdmin(context) })
      // From this machine Docker's gateway comes, with an address of the network; services come from there as well.
      : clickHouseStore({ services, endpoint, absence, secrets, usersDirectory: paths.users.clickhouse, networks: [...PRIVATE_NETWORKS, ...LOOPBACK] });
  });
  return stores.filter(({ services }) => services.length > 0);
}

/**
 * Waits until the stores' servers take work. A Redis that was started with another file of users is started anew where `mayRestart`: only at its start it
 * reads who its admin is.
 *
 * @throws BulkheadError `CONTAINER_ENDED`, `CONTAINER_START_TIMEOUT`
 */
export async function waitForStores(context: TierContext, config: DockerConfig, { kinds, ca, mayRestart }: { readonly kinds: readonly StoreKind[]; readonly ca: string; readonly mayRestart: boolean }): Promise<void> {
  const waits = { redis: () => waitForRedis(context, mayRestart), clickhouse: () => waitForClickHouse(context, endpointOf("clickhouse", config, ca)) };
  await Promise.all(kinds.map((kind) => waits[kind]()));
}

async function waitForRedis(context: TierContext, mayRestart: boolean): Promise<void> {
  const admin = await readRedisAdmin(context);
  // The store says what to do about it.
  if (admin === undefined) return;
  const login = await redisLogin(context, admin);
  if (login === "accepted" || !mayRestart) return;
  context.progress(`starting ${CONTAINERS.redis} anew: it was started with another admin's password`);
  await restartContainer(CONTAINERS.redis, RESTART_GRACE_SECONDS, context.signal);
  await redisLogin(context, admin);
}

async function redisLogin(context: TierContext, admin: StoreSecret): Promise<"accepted" | "refused"> {
  let last: Awaited<ReturnType<typeof redisAdminLogin>> = "unreachable";
  await waitUntilReady(context, CONTAINERS.redis, async () => {
    last = await redisAdminLogin(admin, context.signal);
    return last === "unreachable" ? { ready: false, detail: `nobody answers on port ${admin.port}` } : { ready: true };
  });
  return last === "unreachable" ? "refused" : last;
}

async function waitForClickHouse(context: TierContext, endpoint: StoreEndpoint): Promise<void> {
  await waitUntilReady(context, CONTAINERS.clickhouse, () =>
    serverVersion(endpoint, context.signal).then(
      () => ({ ready: true }),
      (error: unknown) => ({ ready: false, detail: messageOf(error) }),
    ),
  );
}

function readRedisAdmin(context: TierContext): Promise<StoreSecret | undefined> {
  return readJsonSecret(dockerPaths(context).redisAdminSecret, parseStoreSecret, context.progress);
}

/** The port of the container as it is: the setting may have changed since. */
function endpointOf(kind: StoreKind, config: DockerConfig, ca: string, container?: Container): StoreEndpoint {
  return { host: "localhost", port: container?.ports[`${PORTS[kind]}/tcp`] ?? config[kind].port, ca };
}

function absenceOf(kind: StoreKind, container: Container | undefined, context: TierContext): StoreAbsence | null {
  const reason = whyNotOurs(container, context);
  return reason === undefined ? null : { reason: `${CONTAINERS[kind]} does not run: ${reason}`, fix: "npx bulkhead up" };
}
