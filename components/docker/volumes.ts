import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { Problems, setCommand } from "../settings/problems";
import { mapOf } from "../settings/read-section";
import { ownSettings } from "../stack-config";
import type { TierContext } from "../tier";
import type { DockerConfig } from "./config";
import { listContainers } from "./engine/containers";
import { inspectContainers, inspectImage, inspectVolume } from "./engine/inspect";
import type { Image } from "./engine/inspect";
import { callDocker, endDocker } from "./engine/run-docker";
import { CONTAINERS, volumeName } from "./names";
import { PREPEND_SERVER_PROGRAMS } from "./access-superuser";

/** Nothing at all, for containers that are never started and only give access to a volume; made where it is missing. */
const EMPTY_IMAGE = "bulkhead-empty:1";
/** A tar archive without entries: end-of-archive blocks filled up to a record. */
const EMPTY_TAR = "\0".repeat(10_240);
const MISSING_IMAGE = /no such image|unable to find image/i;
const MISSING_FILE = /could not find the file|no such file or directory|no such container:path/i;
/** A tar archive holds a file's bytes behind a header of this size. */
const TAR_HEADER_BYTES = 512;
const VERSION_TIMEOUT_MS = 30_000;

/** The volume of Postgres' data: the stack's own, or the one that the configuration names. */
export function postgresVolume({ stack }: Pick<TierContext, "stack">, { postgres }: DockerConfig): string {
  return postgres.volume ?? volumeName(stack, "postgres");
}

/** The volume that the configuration names; null for none. Reads no other setting: a faulty one keeps nobody from removing a stack. */
export function adoptedVolumeOf({ config }: Pick<TierContext, "config">): string | null {
  const { volume } = mapOf(ownSettings(config)["postgres"], "postgres", new Problems(config.stack));
  return typeof volume === "string" ? volume : null;
}

/**
 * Major version of the Postgres data in a volume, read without starting anything on it; null where there are none, or no such volume.
 */
export async function majorInVolume(volume: string, signal?: AbortSignal): Promise<number | null> {
  if ((await inspectVolume(volume, signal)) === undefined) return null;
  const container = await createReader(volume, signal);
  try {
    const { stdout } = await callDocker(["cp", `${container}:/volume/PG_VERSION`, "-"], { signal, accept: MISSING_FILE });
    const version = /^(\d+)/.exec(stdout.slice(TAR_HEADER_BYTES))?.[1];
    return version === undefined ? null : Number(version);
  } finally {
    // Also after a cancelled look, and never a reason to hide how that ended.
    await callDocker(["rm", "--force", container]).catch(() => undefined);
  }
}

/** A container that has the volume, read-only, and is never started. */
async function createReader(volume: string, signal: AbortSignal | undefined): Promise<string> {
  const create = ["create", "--pull", "never", "--network", "none", "--volume", `${volume}:/volume:ro`, EMPTY_IMAGE, "none"];
  const first = await callDocker(create, { signal, accept: MISSING_IMAGE });
  if (first.exitCode === 0) return first.stdout.trim();
  await callDocker(["import", "-", EMPTY_IMAGE], { input: EMPTY_TAR, signal });
  return (await callDocker(create, { signal })).stdout.trim();
}

/** Major version of the Postgres in an image that is here; null where that cannot be found out, and the server has to say it itself. */
export async function majorOfImage(image: Image, signal?: AbortSignal): Promise<number | null> {
  const said = image.env.find((entry) => entry.startsWith("PG_MAJOR="))?.slice("PG_MAJOR=".length);
  if (said !== undefined && /^\d+$/.test(said)) return Number(said);
  const { stdout } = await endDocker(["run", "--rm", "--pull", "never", "--network", "none", "--entrypoint", "/bin/sh", image.id, "-c", `${PREPEND_SERVER_PROGRAMS}exec postgres --version`], { timeoutMs: VERSION_TIMEOUT_MS, signal });
  const version = /PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  return version === undefined ? null : Number(version);
}

/**
 * Whether the wanted Postgres can run on the volume; asked before a container is replaced, when the old one still serves.
 *
 * @throws BulkheadError `VOLUME_VERSION` with the way to upgrade, `VOLUME_IN_USE`
 */
export async function requireUsableVolume(context: TierContext, config: DockerConfig): Promise<void> {
  const { signal } = context;
  const volume = postgresVolume(context, config);
  const [users, containers, image] = await Promise.all([listContainers([`volume=${volume}`], { onlyRunning: true, signal }), inspectContainers([CONTAINERS.postgres], signal), inspectImage(config.images.postgres, signal)]);
  const others = users.flatMap(({ name }) => (name === CONTAINERS.postgres ? [] : [name]));
  if (others.length > 0) throw volumeInUse(volume, others);
  const container = containers.get(CONTAINERS.postgres);
  // What runs, or ran to a good end, with this image on this volume, does so again.
  if (container?.imageId === image?.id && container?.mounts.some(({ name }) => name === volume) && (container.status === "running" || container.exitCode === 0)) return;
  const inVolume = await majorInVolume(volume, signal);
  if (inVolume === null) return;
  // An image that is still to be pulled says it by its tag, as far as it says it at all.
  const inImage = image === undefined ? majorOfTag(config.images.postgres) : await majorOfImage(image, signal);
  if (inImage !== null && inImage !== inVolume) throw volumeVersion(context.stack, config, volume, inVolume, inImage);
}

export function majorOfTag(image: string): number | null {
  const tag = /:(\d+)(?:[.-][^/@]*)?(?:@[^/]*)?$/.exec(image)?.[1];
  return tag === undefined ? null : Number(tag);
}

/** Two servers on one data directory destroy it. Postgres' own lock file does not help: each container has its own process ids. */
function volumeInUse(volume: string, users: readonly string[]): BulkheadError {
  return new BulkheadError("VOLUME_IN_USE", `volume ${volume} is in use by ${users.map((name) => `container ${name}`).join(", ")}; two servers on it would destroy the data`, { hint: `docker stop ${users.join(" ")}` });
}

/** For the message of a server that could not be asked before. */
export function volumeVersion(stack: string, { images, postgres }: DockerConfig, volume: string, inVolume: number, inImage: number | null): BulkheadError {
  const newVolume = `${volume.replace(/-pg\d+$/, "")}-pg${inImage ?? ""}`;
  const mount = (name: string): string => `-e PGDATA=/var/lib/postgresql/data -v ${name}:/var/lib/postgresql/data`;
  const isOfficial = images.postgres.replace(/:.*/, "").endsWith("postgres");
  const old = isOfficial ? images.postgres.replace(/(:|@).*$/, `:${inVolume}`) : `postgres:${inVolume}`;
  const ready = (name: string): string => `until docker exec ${name} pg_isready -q; do sleep 1; done`;
  return new BulkheadError("VOLUME_VERSION", `the data in volume ${volume} are of PostgreSQL ${inVolume}, and image ${images.postgres} is PostgreSQL ${inImage ?? "of another version"}, which cannot read them. Nothing was changed.`, {
    hint: [
      `stay with ${inVolume}: ${setCommand("images.postgres", old, stack)}`,
      "or upgrade by a dump; the old volume stays as it is:",
      `  docker stop ${CONTAINERS.postgres}`,
      `  docker run -d --name bulkhead-old --network none ${mount(volume)} ${old}`,
      `  ${ready("bulkhead-old")}; docker exec -u postgres bulkhead-old pg_dumpall -U ${postgres.superuser} > all.sql`,
      `  docker run -d --name bulkhead-new --network none -e POSTGRES_USER=${postgres.superuser} -e POSTGRES_HOST_AUTH_METHOD=trust -e POSTGRES_INITDB_ARGS=--data-checksums ${mount(newVolume)} ${images.postgres}`,
      `  ${ready("bulkhead-new")}; docker exec -i -u postgres bulkhead-new psql -q -U ${postgres.superuser} -d postgres < all.sql`,
      "  docker rm -f bulkhead-old; docker stop -t 60 bulkhead-new; docker rm bulkhead-new",
      `  ${setCommand("postgres.volume", newVolume, stack)} && npx bulkhead up`,
    ].join("\n"),
  });
}
