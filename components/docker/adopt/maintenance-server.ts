import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { openSession, closeSession } from "../../../manager/src/postgres/connect";
import type { OpenSuperuserSession } from "../../../manager/src/adopt";
import type { TierContext } from "../../tier";
import { waitUntilReady } from "../access-ready";
import type { DockerConfig } from "../config";
import { removeContainers, startContainers, stopContainers } from "../engine/containers";
import { inspectContainers } from "../engine/inspect";
import type { Image } from "../engine/inspect";
import { callDocker } from "../engine/run-docker";
import { containerForeign } from "../lifecycle";
import { isOurs, ownerOf } from "../lifecycle-ours";
import { labelsOf, PORTS, serviceContainerName } from "../names";
import { maintenanceFiles } from "./maintenance-files";
import type { ClientKeys } from "./maintenance-files";
import { tarOf } from "./tar";

const CONFIG = "/etc/bulkhead";
const KEYS = "/run/bulkhead";
const DATA = "/var/lib/postgresql/data";
/** A clean shutdown writes all that is in memory. */
const STOP_GRACE_SECONDS = 60;
const CREATE_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** What a role can be called in `pg_hba.conf` without any further meaning. */
const SUPERUSER_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.@$ -]{0,62}$/u;

/** A server on the volume, which only this process can get into. */
export interface MaintenanceServer {
  readonly openSession: OpenSuperuserSession;
  /** The one of the asked names that the superuser has. */
  readonly superuser: string;
}

/** On which volume, and how. */
export interface MaintenanceOptions {
  readonly volume: string;
  readonly image: Image;
  readonly config: Pick<DockerConfig, "postgres">;
  /** Names that the superuser may have; the first that exists is taken. */
  readonly superusers: readonly [string, ...string[]];
}

/**
 * Runs `use` while a server runs on a volume, in a container that is removed at the end. The server takes no
 * password of anybody's and has no socket: a certificate that is made here gets in, as the superuser, at a port of this machine's loopback.
 *
 * To be called under the stack's lock, after `removeMaintenanceContainer`.
 *
 * @throws BulkheadError `CONTAINER_FOREIGN`, `CONTAINER_ENDED`, `CONTAINER_START_TIMEOUT`, `SUPERUSER_UNKNOWN`, `SUPERUSER_NAME`
 */
export async function withMaintenanceServer<T>(context: TierContext, { volume, image, config, superusers }: MaintenanceOptions, use: (server: MaintenanceServer) => Promise<T>): Promise<T> {
  const strange = superusers.find((name) => !SUPERUSER_NAME.test(name));
  if (strange !== undefined) throw new BulkheadError("SUPERUSER_NAME", `${JSON.stringify(strange)} cannot be written into pg_hba.conf`, { hint: `rename it in the old stack: ALTER ROLE … RENAME TO postgres` });
  const name = maintenanceContainerName(context);
  const { files, client } = await maintenanceFiles(superusers);
  const { memoryMb } = config.postgres;
  try {
    await callDocker(
      [
        "create", "--name", name, ...Object.entries(labelsOf(context)).flatMap(([label, value]) => ["--label", `${label}=${value}`]), "--pull", "never",
        "--user", "0", "--cap-drop", "ALL", ...["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"].flatMap((capability) => ["--cap-add", capability]), "--security-opt", "no-new-privileges:true",
        "--memory", `${memoryMb}m`, "--shm-size", "256m", "--tmpfs", `${KEYS}:size=1m,mode=0700`, "--volume", `${volume}:${DATA}`, "--publish", `127.0.0.1::${PORTS.postgres}`,
        "--stop-signal", "SIGINT", "--entrypoint", "/bin/sh", image.id, `${CONFIG}/start.sh`, KEYS, DATA,
      ],
      { timeoutMs: CREATE_TIMEOUT_MS, signal: context.signal },
    );
    await callDocker(["cp", "-", `${name}:/`], { input: tarOf(Object.fromEntries(Object.entries(files).map(([path, content]) => [`${CONFIG.slice(1)}/${path}`, content]))), timeoutMs: CREATE_TIMEOUT_MS, signal: context.signal });
    await startContainers([name], context.signal);
    return await use(await whenReady(context, name, client, superusers));
  } finally {
    await removeMaintenanceContainer(context);
  }
}

export function maintenanceContainerName({ stack }: Pick<TierContext, "stack">): string {
  return serviceContainerName(stack, "adopt");
}

/** What a killed run left goes: while it is there the volume is in use. Shuts the server down cleanly first: what it has in memory is written, and a log of what is to be replayed is not left behind. Not to be cancelled. */
export async function removeMaintenanceContainer(context: TierContext): Promise<void> {
  const name = maintenanceContainerName(context);
  const container = (await inspectContainers([name])).get(name);
  if (container === undefined) return;
  if (!isOurs(container.labels, context)) throw containerForeign(name, ownerOf(container.labels, context));
  await stopContainers([name], STOP_GRACE_SECONDS);
  await removeContainers([name]);
}

async function whenReady(context: TierContext, name: string, client: ClientKeys, superusers: MaintenanceOptions["superusers"]): Promise<MaintenanceServer> {
  const sessions = async (database: string, user: string): ReturnType<OpenSuperuserSession> => {
    const container = (await inspectContainers([name], context.signal)).get(name);
    const port = container?.ports[`${PORTS.postgres}/tcp`];
    if (port === undefined) throw new BulkheadError("MAINTENANCE_ENDED", `the server of the adoption (container ${name}) does not run any more`, { hint: "run npx bulkhead adopt again: what was finished is not repeated" });
    return openSession({ host: "127.0.0.1", port, user, database, ssl: { ...client, servername: "localhost", rejectUnauthorized: true }, options: " ", application_name: "bulkhead adopt", client_encoding: "UTF8", connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  };
  let left: readonly string[] = superusers;
  await waitUntilReady(context, name, async () => {
    for (; left.length > 0; left = left.slice(1)) {
      try {
        await closeSession(await sessions("postgres", left[0]!));
        return { ready: true };
      } catch (error) {
        // 28000: no such role.
        if ((error as { code?: string }).code !== "28000") throw error;
      }
    }
    return { ready: true };
  });
  const superuser = left[0];
  if (superuser !== undefined) return { openSession: sessions, superuser };
  throw new BulkheadError("SUPERUSER_UNKNOWN", `there is no role ${superusers.join(" or ")} in the volume: its superuser is called otherwise`, { hint: "name it (what POSTGRES_USER was in the Compose file): npx bulkhead adopt --volume <name> --superuser <name>" });
}
