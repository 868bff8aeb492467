import { setTimeout as sleep } from "node:timers/promises";

import { EngineError } from "../../../docker/engine-api";
import type { EngineApi } from "../../../docker/engine-api";
import type { Values } from "../../provider/property-values";
import { labelMap, labelSet, list, text, textMap } from "./values";

// As the provider does it (kreuzwerker/terraform-provider-docker, internal/provider: resource_docker_network_funcs, _volume, _image_funcs), without its pauses between looks.

/** How long the provider waits for the last container to leave a network or a volume. */
const RELEASE_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

interface NetworkJson {
  readonly Name: string;
  readonly Labels: Record<string, string> | null;
  readonly Driver: string;
  readonly Internal: boolean;
  readonly Attachable: boolean;
  readonly Ingress: boolean;
  readonly EnableIPv6: boolean;
  readonly Scope: string;
  readonly Options: Record<string, string> | null;
  readonly IPAM: { readonly Driver: string; readonly Options: Record<string, string> | null; readonly Config: { Subnet?: string; IPRange?: string; Gateway?: string }[] | null };
}

export async function createNetwork(api: EngineApi, inputs: Values): Promise<Values> {
  const ipam = list(inputs["ipamConfigs"]).map((config) => ({ Subnet: text(config["subnet"]), Gateway: text(config["gateway"]), IPRange: text(config["ipRange"]) }));
  const { Id } = await refused("Unable to create network", api.post<{ Id: string }>("/networks/create", {
    Name: inputs["name"],
    Labels: labelMap(inputs["labels"]),
    Driver: inputs["driver"] ?? "bridge",
    Options: textMap(inputs["options"]),
    Internal: inputs["internal"] ?? false,
    Attachable: inputs["attachable"] ?? false,
    EnableIPv6: inputs["ipv6"] ?? false,
    // Two networks of one name are possible, and nobody means it.
    CheckDuplicate: true,
    IPAM: { Driver: inputs["ipamDriver"] ?? "default", Options: textMap(inputs["ipamOptions"]), Config: ipam },
  }));
  return { id: Id, ...((await readNetwork(api, Id)) as Values) };
}

export async function readNetwork(api: EngineApi, id: string): Promise<Values | "gone"> {
  const network = await api.find<NetworkJson>(`/networks/${id}`);
  if (network === undefined) return "gone";
  return {
    name: network.Name,
    labels: labelSet(network.Labels),
    driver: network.Driver,
    internal: network.Internal,
    attachable: network.Attachable,
    ingress: network.Ingress,
    ipv6: network.EnableIPv6,
    scope: network.Scope,
    options: network.Options ?? {},
    ipamDriver: network.IPAM.Driver,
    ipamOptions: network.IPAM.Options ?? {},
    ipamConfigs: (network.IPAM.Config ?? []).map(({ Subnet, IPRange, Gateway }) => ({ subnet: Subnet ?? "", ipRange: IPRange ?? "", gateway: Gateway ?? "" })),
  };
}

export async function deleteNetwork(api: EngineApi, id: string): Promise<void> {
  await untilFree(/has active endpoints/, () => api.delete(`/networks/${id}`));
}

export async function createVolume(api: EngineApi, inputs: Values): Promise<Values> {
  const { Name } = await refused("Unable to create volume", api.post<{ Name: string }>("/volumes/create", { Name: inputs["name"], Labels: labelMap(inputs["labels"]), Driver: inputs["driver"] ?? "local", DriverOpts: textMap(inputs["driverOpts"]) }));
  return { id: Name, ...((await readVolume(api, Name)) as Values) };
}

export async function readVolume(api: EngineApi, name: string): Promise<Values | "gone"> {
  const volume = await api.find<{ Name: string; Labels: Record<string, string> | null; Driver: string; Options: Record<string, string> | null; Mountpoint: string }>(`/volumes/${name}`);
  return volume === undefined ? "gone" : { name: volume.Name, labels: labelSet(volume.Labels), driver: volume.Driver, driverOpts: volume.Options ?? {}, mountpoint: volume.Mountpoint };
}

export async function deleteVolume(api: EngineApi, name: string): Promise<void> {
  await untilFree(/volume is in use/, () => api.delete(`/volumes/${name}?force=true`));
}

/** An image that is on the engine is taken, another pulled. */
export async function createImage(api: EngineApi, inputs: Values): Promise<Values> {
  const name = text(inputs["name"]);
  if (inputs["build"] !== undefined) throw new Error("the simulated provider builds no images");
  if ((await imageOf(api, name)) === undefined) await refused(`Unable to read Docker image into resource: unable to pull image ${name}: error pulling image ${name}`, api.post(`/images/create?fromImage=${encodeURIComponent(name)}`));
  const image = await imageOf(api, name);
  if (image === undefined) throw new Error(`Unable to read Docker image into resource: unable to find or pull image ${name}`);
  return { id: `${image.Id}${name}`, ...outputsOf(image) };
}

export async function readImage(api: EngineApi, inputs: Values): Promise<Values | "gone"> {
  const image = await imageOf(api, text(inputs["name"]));
  return image === undefined ? "gone" : outputsOf(image);
}

export async function deleteImage(api: EngineApi, inputs: Values): Promise<void> {
  const name = text(inputs["name"]);
  if (inputs["keepLocally"] === true || (await imageOf(api, name)) === undefined) return;
  await refused("Unable to remove Docker image", api.delete(`/images/${name}?force=${inputs["forceRemove"] === true}`));
}

interface ImageJson {
  readonly Id: string;
  readonly RepoDigests: readonly string[] | null;
}

function imageOf(api: EngineApi, name: string): Promise<ImageJson | undefined> {
  return api.find<ImageJson>(`/images/${name}/json`);
}

function outputsOf(image: ImageJson): Values {
  return { imageId: image.Id, repoDigest: image.RepoDigests?.[0] ?? "" };
}

/** The engine's answer behind the provider's words. */
export async function refused<T>(words: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof EngineError ? new EngineError(`${words}: Error response from daemon: ${error.message}`, error.status) : error;
  }
}

async function untilFree(busy: RegExp, remove: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + RELEASE_TIMEOUT_MS;
  for (;;) {
    try {
      return await remove();
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return;
      if (!(error instanceof EngineError) || !busy.test(error.message) || performance.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}
