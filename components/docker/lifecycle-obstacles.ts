import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { isFree } from "../local/server/port";
import { setCommand } from "../settings/problems";
import type { TierContext } from "../tier";
import { parseDockerConfig, serversOf } from "./config";
import type { DockerConfig } from "./config";
import { resolveDockerHost } from "./engine/docker-host";
import { inspectContainers, inspectNetwork } from "./engine/inspect";
import { containerForeign } from "./lifecycle";
import { isOurs, ownerOf } from "./lifecycle-ours";
import { portHolder } from "./lifecycle-port-holder";
import { CONTAINERS, NETWORK, PORTS, serviceContainerName } from "./names";
import { requireUsableVolume } from "./volumes";

/**
 * Looks, before anything is made or replaced, for what would end an `up` halfway. Changes nothing.
 *
 * @throws BulkheadError the obstacle; with several of them, one error that names all
 */
export async function requireNoObstacles(context: TierContext): Promise<void> {
  const config = parseDockerConfig(context.config, context.catalog());
  await resolveDockerHost(context.signal);
  const obstacles = (await Promise.all([foreignContainers(context, config), foreignNetwork(context), takenPorts(context, config), unusableVolume(context, config)])).flat();
  if (obstacles.length === 0) return;
  if (obstacles.length === 1) throw obstacles[0]!;
  throw new BulkheadError(obstacles[0]!.code, `${obstacles.length} things are in the way:\n${obstacles.map(({ message, hint }) => `  - ${message}${hint === undefined ? "" : `: ${hint.replaceAll("\n", "\n    ")}`}`).join("\n")}`, { hint: "nothing was changed" });
}

/** Containers that have one of our names and are not ours. */
export async function foreignContainers(context: TierContext, config: DockerConfig): Promise<BulkheadError[]> {
  const names = [...serversOf(context.catalog()).map((server) => CONTAINERS[server]), ...Object.keys(config.services).map((service) => serviceContainerName(context.stack, service))];
  const found = await inspectContainers(names, context.signal);
  return [...found.values()].filter(({ labels }) => !isOurs(labels, context)).map(({ name, labels }) => containerForeign(name, ownerOf(labels, context)));
}

/** A network of our name that is not ours: whoever is in it would be in ours. */
export async function foreignNetwork(context: TierContext): Promise<BulkheadError[]> {
  const network = await inspectNetwork(NETWORK, context.signal);
  if (network === undefined || isOurs(network.labels, context)) return [];
  return [
    new BulkheadError("NETWORK_FOREIGN", `network ${NETWORK} belongs to ${ownerOf(network.labels, context)}; Bulkhead does not touch it`, {
      hint: network.containers.length === 0 ? `nobody is in it; remove it if you know it: docker network rm ${NETWORK}` : `stop who is in it (docker stop ${network.containers.join(" ")}), then docker network rm ${NETWORK}`,
    }),
  ];
}

/** Ports of this machine that our servers are to be reached at, and that somebody else has. */
export async function takenPorts(context: TierContext, config: DockerConfig): Promise<BulkheadError[]> {
  const servers = serversOf(context.catalog());
  const found = await inspectContainers(servers.map((server) => CONTAINERS[server]), context.signal);
  const taken = await Promise.all(
    servers.map(async (server) => {
      const { port } = config[server];
      const container = found.get(CONTAINERS[server]);
      const isHeldByUs = container !== undefined && isOurs(container.labels, context) && container.ports[`${PORTS[server]}/tcp`] === port;
      if (isHeldByUs || (await isFree(port))) return [];
      const holder = await portHolder(port, context.signal);
      return [new BulkheadError("PORT_TAKEN", `port ${port}, for ${CONTAINERS[server]}, is taken by ${holder}`, { hint: `end that, or take another port: ${setCommand(`${server}.port`, String(port + 10_000 <= 65_535 ? port + 10_000 : port - 1), context.stack)}` })];
    }),
  );
  return taken.flat();
}

/** An image that is not here and is not to be pulled. */
export function imageMissing(stack: string, image: string): BulkheadError {
  return new BulkheadError("IMAGE_MISSING", `image ${image} is not here, and images.pull is never`, { hint: `docker pull ${image} (or docker load, from a file), or ${setCommand("images.pull", "missing", stack)}` });
}

async function unusableVolume(context: TierContext, config: DockerConfig): Promise<BulkheadError[]> {
  try {
    await requireUsableVolume(context, config);
    return [];
  } catch (error) {
    if (error instanceof BulkheadError && error.code.startsWith("VOLUME_")) return [error];
    throw error;
  }
}
