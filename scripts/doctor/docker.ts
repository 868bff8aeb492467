import { statfs } from "node:fs/promises";
import { messageOf } from "../../manager/src/errors/bulkhead-error";
import type { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import type { DockerConfig } from "../../components/docker/config";
import { parseDockerConfig } from "../../components/docker/config";
import { execInContainer } from "../../components/docker/engine/containers";
import { inspectDaemon } from "../../components/docker/engine/daemon";
import { isDockerUnusable } from "../../components/docker/engine/docker-errors";
import { resolveDockerHost } from "../../components/docker/engine/docker-host";
import { foreignContainers, foreignNetwork, takenPorts } from "../../components/docker/lifecycle-obstacles";
import { CONTAINERS } from "../../components/docker/names";
import { postgresVolume, majorInVolume, requireUsableVolume } from "../../components/docker/volumes";
import type { CommandContext } from "../lib/command-context";
import { images, pins } from "./docker-images";
import { failed, passed, warning } from "./finding";
import type { DoctorProbe, Finding } from "./finding";
import { silentContext } from "./stack";

const group = "Docker";
/** The three images take about 2 GB, and what is built beside them more. */
const DISK_WANTED_BYTES = 5 * 1024 ** 3;
/** With less, a server stops in the middle of its work. */
const DISK_NEEDED_BYTES = 1024 ** 3;
const DF_TIMEOUT_MS = 10_000;

/** Whether Docker can be used is of interest everywhere; the rest where the stack lives in it. */
export function dockerChecks(stack: string, signal: AbortSignal): readonly DoctorProbe[] {
  return isDockerStack(stack, signal) ? STACK_CHECKS : [{ group: "Machine", id: "docker", title: "Docker", look: optionalDocker }];
}

const STACK_CHECKS: readonly DoctorProbe[] = [
  { group, id: "docker", title: "Docker", look: daemon },
  { group, id: "docker-disk", title: "Disk", look: whereUsable(disk) },
  { group, id: "docker-names", title: "Names", look: whereUsable(names) },
  { group, id: "docker-ports", title: "Ports", look: whereUsable(ports) },
  { group, id: "docker-images", title: "Images", look: whereUsable(images) },
  { group, id: "docker-pins", title: "Images by digest", look: whereUsable(pins) },
  { group, id: "docker-volume", title: "Volume", look: whereUsable(volume) },
];

/** False where the stack's file cannot be read: another check says so. */
function isDockerStack(stack: string, signal: AbortSignal): boolean {
  try {
    return silentContext(stack, signal).config.target === "docker";
  } catch {
    return false;
  }
}

async function optionalDocker(_stack: string, signal: AbortSignal): Promise<Finding> {
  try {
    return passed((await inspectDaemon(signal)).version);
  } catch (error) {
    return warning("not usable; not needed by this stack's target", isDockerUnusable(error) ? error.hint : undefined);
  }
}

/** Errors of Docker itself bring their fix along. */
async function daemon(_stack: string, signal: AbortSignal): Promise<Finding> {
  const host = await resolveDockerHost(signal);
  return passed(`${(await inspectDaemon(signal)).version} at ${host}`);
}

/** What a check of a docker stack is told. */
export type DockerLook = (context: CommandContext, config: DockerConfig) => Promise<Finding>;

/** That Docker cannot be used is said once, by the check of Docker itself. */
function whereUsable(look: DockerLook): DoctorProbe["look"] {
  return async (stack, signal) => {
    const context = silentContext(stack, signal);
    const config = parseDockerConfig(context.config, context.catalog());
    try {
      return await look(context, config);
    } catch (error) {
      if (isDockerUnusable(error)) return warning("not looked at: Docker cannot be used");
      throw error;
    }
  };
}

async function disk({ signal }: CommandContext): Promise<Finding> {
  const { dataRoot } = await inspectDaemon(signal);
  const freeBytes = (await freeBytesHere(dataRoot)) ?? (await freeBytesInContainer(signal));
  if (freeBytes === undefined) return passed(`${dataRoot} is in Docker's own machine; its free space shows when shared-postgres runs`);
  const detail = `${(freeBytes / 1024 ** 3).toFixed(1)} GB free for ${dataRoot}`;
  const fix = "see what takes it: docker system df; remove what no container uses: docker image prune -a; docker builder prune";
  return freeBytes < DISK_NEEDED_BYTES ? failed(detail, fix) : freeBytes < DISK_WANTED_BYTES ? warning(detail, fix) : passed(detail);
}

/** Undefined with Docker Desktop and the like, whose folder is not of this machine, and where the folder is closed to this user. */
async function freeBytesHere(path: string): Promise<number | undefined> {
  return statfs(path).then(({ bavail, bsize }) => bavail * bsize, () => undefined);
}

async function freeBytesInContainer(signal: AbortSignal): Promise<number | undefined> {
  const result = await execInContainer({ container: CONTAINERS.postgres, command: ["df", "-Pk", "/var/lib/postgresql/data"], timeoutMs: DF_TIMEOUT_MS, signal }).catch(() => undefined);
  const kilobytes = result?.stdout.trim().split("\n").at(-1)?.split(/\s+/)[3];
  return kilobytes === undefined || !/^\d+$/.test(kilobytes) ? undefined : Number(kilobytes) * 1024;
}

async function names(context: CommandContext, config: DockerConfig): Promise<Finding> {
  return ofErrors((await Promise.all([foreignContainers(context, config), foreignNetwork(context)])).flat(), "containers and network are this stack's, or still to be made");
}

async function ports(context: CommandContext, config: DockerConfig): Promise<Finding> {
  return ofErrors(await takenPorts(context, config), "free, or this stack's");
}

async function volume(context: CommandContext, config: DockerConfig): Promise<Finding> {
  await requireUsableVolume(context, config);
  const name = postgresVolume(context, config);
  const major = await majorInVolume(name, context.signal);
  return passed(major === null ? `${name} is empty, or still to be made` : `${name} holds data of PostgreSQL ${major}`);
}

/** All of what is in the way, in one finding. */
function ofErrors(errors: readonly BulkheadError[], otherwise: string): Finding {
  if (errors.length === 0) return passed(otherwise);
  return failed(errors.map(messageOf).join("; "), errors.flatMap(({ hint }) => hint ?? []).join("\n"));
}
