import type { Cloud, CloudResource } from "../cloud";
import { isObject } from "../property-values";
import type { Value, Values } from "../property-values";
import { CONTAINER, IMAGE, NETWORK, VOLUME } from "./docker-facts";

/** What the provider's own code refuses. */
export function checkMeaning(type: string, inputs: Values): string[] {
  if (type !== CONTAINER) return [];
  const failures: string[] = [];
  for (const upload of list(inputs["uploads"])) {
    const given = ["content", "contentBase64", "source"].filter((name) => upload[name] !== undefined);
    if (given.length !== 1) failures.push("error with upload content: exactly one of 'content', 'contentBase64', or 'source' must be set");
  }
  for (const volume of list(inputs["volumes"])) {
    if (volume["containerPath"] === undefined && volume["fromContainer"] === undefined) failures.push("Volume entry without container path or source container");
  }
  if (Array.isArray(inputs["command"]) && inputs["command"].includes("")) failures.push("values for command may not be empty");
  return failures;
}

/** What an engine refuses; one is asked where behaviours are on, and then it refuses by itself. */
export function admit(resource: CloudResource, previous: CloudResource | undefined, cloud: Cloud): void {
  if (previous !== undefined || cloud.settings.endpoint !== undefined) return;
  const others = cloud.list(resource.type).filter(({ id }) => id !== resource.id);
  const name = text(resource.inputs["name"]);
  const namesake = others.find(({ inputs }) => inputs["name"] === name);
  if (resource.type === CONTAINER && namesake !== undefined) throw new Error(`Unable to create container: Error response from daemon: Conflict. The container name "/${name}" is already in use by container "${namesake.id}". You have to remove (or rename) that container to be able to reuse that name.`);
  if (resource.type === NETWORK && namesake !== undefined) throw new Error(`Unable to create network: Error response from daemon: network with name ${name} already exists`);
  if (resource.type !== CONTAINER) return;
  for (const port of list(resource.inputs["ports"])) {
    const taken = others.find(({ inputs }) => list(inputs["ports"]).some((other) => other["external"] === port["external"] && port["external"] !== undefined && overlap(other["ip"], port["ip"])));
    if (taken !== undefined) throw new Error(`Unable to start container: Error response from daemon: driver failed programming external connectivity on endpoint ${name}: Bind for ${text(port["ip"])}:${port["external"] as number} failed: port is already allocated`);
  }
}

/** An engine lets nothing go that a container uses; again, one that there is says so itself. */
export function release({ type, id, inputs }: CloudResource, cloud: Cloud): void {
  if (cloud.settings.endpoint !== undefined || type === IMAGE) return;
  const name = text(inputs["name"]);
  const user = cloud.list(CONTAINER).find((container) => {
    if (type === NETWORK) return list(container.inputs["networksAdvanced"]).some((network) => network["name"] === name || network["name"] === id);
    return type === VOLUME && list(container.inputs["mounts"]).some((mount) => mount["type"] === "volume" && mount["source"] === name);
  });
  if (user === undefined) return;
  throw new Error(type === NETWORK ? `Error response from daemon: error while removing network: network ${name} id ${id} has active endpoints` : `Error response from daemon: remove ${name}: volume is in use - [${user.id}]`);
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

function overlap(a: Value | undefined, b: Value | undefined): boolean {
  return a === b || a === "0.0.0.0" || b === "0.0.0.0";
}

function list(value: Value | undefined): readonly Values[] {
  return Array.isArray(value) ? value.filter((item: Value): item is Values => isObject(item)) : [];
}
