import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { TierContext } from "../../tier";
import type { DockerConfig } from "../config";
import { listContainers } from "../engine/containers";
import { inspectContainers, inspectImage, inspectVolume } from "../engine/inspect";
import type { Image } from "../engine/inspect";
import { callDocker } from "../engine/run-docker";
import { imageMissing } from "../lifecycle-obstacles";
import { majorInVolume, majorOfImage, volumeVersion } from "../volumes";

/** An image comes over the network. */
const PULL_TIMEOUT_MS = 15 * 60_000;

/** What there is to adopt, and with which Postgres. */
export interface AdoptableVolume {
  readonly image: Image;
  /** Major version of the data, and of the image. */
  readonly major: number;
}

/**
 * Looks whether a volume can be adopted; starts nothing on it and changes nothing, but for pulling the stack's image where it is not here.
 *
 * @throws BulkheadError `VOLUME_MISSING`, `VOLUME_IN_USE`, `VOLUME_NO_POSTGRES`, `VOLUME_VERSION`, `IMAGE_MISSING`
 */
export async function requireAdoptable({ stack, signal, progress }: TierContext, config: DockerConfig, volume: string): Promise<AdoptableVolume> {
  if ((await inspectVolume(volume, signal)) === undefined) throw new BulkheadError("VOLUME_MISSING", `there is no volume ${volume}; ${await volumesHere(signal)}`, { hint: "docker volume ls (Compose puts its project's name before that of the file, with an underscore)" });
  await requireUnused(volume, signal);
  const major = await majorInVolume(volume, signal);
  if (major === null) {
    throw new BulkheadError("VOLUME_NO_POSTGRES", `volume ${volume} holds no data directory of PostgreSQL (no file PG_VERSION at its top)`, {
      hint: "name the volume that Compose mounts at /var/lib/postgresql/data; where PGDATA was a folder in it, copy that folder's contents into a volume of its own",
    });
  }
  let image = await inspectImage(config.images.postgres, signal);
  if (image === undefined) {
    if (config.pull === "never") throw imageMissing(stack, config.images.postgres);
    progress(`pulling ${config.images.postgres}`);
    await callDocker(["pull", "--quiet", config.images.postgres], { timeoutMs: PULL_TIMEOUT_MS, signal });
    image = await inspectImage(config.images.postgres, signal);
  }
  if (image === undefined) throw imageMissing(stack, config.images.postgres);
  const inImage = await majorOfImage(image, signal);
  if (inImage !== null && inImage !== major) throw volumeVersion(stack, config, volume, major, inImage);
  return { image, major };
}

/** Two servers on one data directory destroy it. Postgres' own lock file does not help: each container has its own process ids. */
async function requireUnused(volume: string, signal: AbortSignal | undefined): Promise<void> {
  const users = (await listContainers([`volume=${volume}`], { onlyRunning: true, signal })).map(({ name }) => name);
  if (users.length === 0) return;
  const containers = await inspectContainers(users, signal);
  const ofCompose = [...containers.values()].some(({ labels }) => labels["com.docker.compose.project"] !== undefined);
  throw new BulkheadError("VOLUME_IN_USE", `volume ${volume} is in use by ${users.map((name) => `container ${name}`).join(", ")}; two servers on it would destroy the data`, {
    hint: ofCompose ? `docker compose stop, in the folder of the old stack (or docker stop ${users.join(" ")})` : `docker stop ${users.join(" ")}`,
  });
}

async function volumesHere(signal: AbortSignal | undefined): Promise<string> {
  const { stdout } = await callDocker(["volume", "ls", "--format", "{{.Name}}"], { signal });
  // The names of anonymous volumes say nothing.
  const names = stdout.split("\n").filter((name) => name !== "" && !/^[0-9a-f]{64}$/.test(name));
  return names.length === 0 ? "there is none with a name" : `there is: ${names.slice(0, 20).join(", ")}`;
}
