import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";

import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import type { TierContext } from "../tier";
import { whyDown } from "./access-ready";
import { listContainers, removeContainers, startContainers, stopContainers } from "./engine/containers";
import type { ListedContainer } from "./engine/containers";
import { inspectContainers, inspectNetwork, inspectVolume } from "./engine/inspect";
import { callDocker } from "./engine/run-docker";
import { OF_ANOTHER_CHECKOUT, hasLabels, isOurs, ourFilters, ownerOf } from "./lifecycle-ours";
import { CONTAINERS, NETWORK, SERVERS, volumeLabelsOf, volumeName } from "./names";
import { dockerPaths } from "./paths";

/** Postgres writes all that it has in memory to disk before it ends. The same as the containers' own grace, which `docker stop` by hand gives. */
const STOP_GRACE_SECONDS = 60;
const REMOVE_TIMEOUT_MS = 60_000;

/**
 * Starts those of our containers that do not run.
 *
 * @throws BulkheadError `CONTAINER_MISSING`, `CONTAINER_FOREIGN`, `DOCKER_PORT_TAKEN`…
 */
export async function startOurContainers(context: TierContext, names: readonly string[]): Promise<void> {
  const { progress, signal } = context;
  const found = await inspectContainers(names, signal);
  const down: string[] = [];
  for (const name of names) {
    const container = found.get(name);
    if (container === undefined) throw new BulkheadError("CONTAINER_MISSING", `there is no container ${name}`, { hint: "npx bulkhead up" });
    if (!isOurs(container.labels, context)) throw containerForeign(name, ownerOf(container.labels, context));
    if (container.status === "paused") await callDocker(["unpause", name], { signal });
    else if (container.status !== "running" && container.status !== "restarting") {
      progress(`starting ${name}: ${whyDown(container)}`);
      down.push(name);
    }
  }
  await startContainers(down, signal);
}

/** A name is taken by what is not ours: it stays as it is. */
export function containerForeign(name: string, owner: string): BulkheadError {
  const hint = owner.endsWith(OF_ANOTHER_CHECKOUT) ? `if that one still needs it, one of the two has to wait; else docker rm --force ${name}: its data are in a volume, and stay` : undefined;
  return new BulkheadError("CONTAINER_FOREIGN", `container ${name} belongs to ${owner}; Bulkhead does not touch it`, { hint: hint ?? `keep it under another name: docker stop ${name} && docker rename ${name} ${name}-old. Its volumes stay; docs/docker.md says how their data are taken over` });
}

/**
 * Starts what `stopStack` stopped: the servers, then the services. The engine, which looks at every container, takes a stopped one for one without ports, and would make it anew.
 * What was never made, or is not ours, is not its affair.
 */
export async function startStack(context: TierContext): Promise<void> {
  const stopped = (await listContainers(ourFilters(context), { signal: context.signal })).filter(({ running }) => !running);
  const servers: readonly string[] = Object.values(CONTAINERS);
  for (const group of [stopped.filter(({ name }) => servers.includes(name)), stopped.filter(({ name }) => !servers.includes(name))]) {
    if (group.length === 0) continue;
    context.progress(`starting ${group.map(({ name }) => name).join(", ")}`);
    await startContainers(group.map(({ id }) => id), context.signal);
  }
}

/** Stops the stack's containers: those that use the servers first. Data stay. False when nothing ran. */
export async function stopStack(context: TierContext): Promise<boolean> {
  const ours = await listContainers(ourFilters(context), { onlyRunning: true, signal: context.signal });
  if (ours.length === 0) return false;
  await stopInOrder(ours, context.progress);
  return true;
}

/** Called by people and tests alike on a signal that is not passed on: a server is not left between running and stopped. */
async function stopInOrder(containers: readonly ListedContainer[], progress: (line: string) => void): Promise<void> {
  const servers: readonly string[] = Object.values(CONTAINERS);
  const isServer = ({ name }: ListedContainer): boolean => servers.includes(name);
  for (const group of [containers.filter((one) => !isServer(one)), containers.filter(isServer)]) {
    if (group.length === 0) continue;
    progress(`stopping ${group.map(({ name }) => name).join(", ")}`);
    // One call each: a single one would stop them one after the other.
    await Promise.all(group.map(({ id }) => stopContainers([id], STOP_GRACE_SECONDS)));
  }
}

/**
 * Removes the stack's containers, network, volumes and files. What is not labelled as this stack's stays: a volume that was taken over from
 * somebody was made by them, and is theirs to remove.
 *
 * @throws BulkheadError `DOCKER_FAILED`… where something could not be removed; everything else of the list may be gone by then, and the next call goes on
 */
export async function removeStack(context: TierContext, adoptedVolume: string | null): Promise<void> {
  const { progress, stack } = context;
  const filters = ourFilters(context);
  const containers = await listContainers(filters);
  await stopInOrder(containers.filter(({ running }) => running), progress);
  await removeContainers(containers.map(({ id }) => id));
  await removeNetwork(context);
  const { directory } = dockerPaths(context);
  // Volumes are known by the stack's name alone: those of a stack that never ran from here are another checkout's.
  for (const volume of existsSync(directory) ? SERVERS.map((server) => volumeName(stack, server)) : []) {
    const found = await inspectVolume(volume);
    if (found === undefined || !hasLabels(found.labels, volumeLabelsOf(context))) continue;
    const users = await listContainers([`volume=${volume}`]);
    if (users.length > 0) {
      progress(`volume ${volume} is kept: ${users.map(({ name }) => `container ${name}`).join(", ")}, which ${users.length === 1 ? "is" : "are"} not this checkout's, may need it`);
      continue;
    }
    progress(`removing volume ${volume}`);
    await callDocker(["volume", "rm", volume], { timeoutMs: REMOVE_TIMEOUT_MS, accept: /no such volume/i });
  }
  if (adoptedVolume !== null && (await inspectVolume(adoptedVolume)) !== undefined) progress(`volume ${adoptedVolume} was not made by Bulkhead and is kept, with all data. To remove it: docker volume rm ${adoptedVolume}`);
  await rm(directory, { recursive: true, force: true });
  // Only if nothing of the local target is in it.
  await rmdir(dirname(directory)).catch(() => undefined);
  progress(`removed what Docker had of stack ${stack}`);
}

/** Containers of a team's own may have joined the network; then it stays for them. */
async function removeNetwork(context: TierContext): Promise<void> {
  const network = await inspectNetwork(NETWORK);
  if (network === undefined || !isOurs(network.labels, context)) return;
  if (network.containers.length > 0) {
    context.progress(`network ${NETWORK} is kept: ${network.containers.join(", ")} ${network.containers.length === 1 ? "is" : "are"} in it. To remove it: docker network rm ${NETWORK}, when they are stopped`);
    return;
  }
  await callDocker(["network", "rm", network.id], { accept: /no such network|not found/i }).catch((error: unknown) => context.progress(`network ${NETWORK} is kept: ${messageOf(error)}`));
}
