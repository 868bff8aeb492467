import { createHash } from "node:crypto";

import { isObject } from "../property-values";
import type { Value, Values } from "../property-values";
import { CONTAINER, IMAGE, NETWORK, VOLUME } from "./docker-facts";
import { formatDuration, parseDuration } from "./durations";

/**
 * What the provider reads back otherwise than it was given, without a daemon to read from: durations in Go's form, and the swap that the engine
 * makes of a limit of memory. Whoever gives another form has a difference at every deployment, as with the real provider.
 */
export function readBack(type: string, outputs: Values): Values {
  if (type !== CONTAINER) return {};
  const { healthcheck, memory, memorySwap } = outputs;
  return {
    ...(isObject(healthcheck) ? { healthcheck: { ...(healthcheck as Values), ...Object.fromEntries(["interval", "timeout", "startPeriod", "startInterval"].flatMap((name) => (typeof healthcheck[name] === "string" ? [[name, formatDuration(parseDuration(healthcheck[name]))]] : []))) } } : {}),
    ...(typeof memory === "number" && memory > 0 && (memorySwap === undefined || memorySwap === 0) ? { memorySwap: memory * 2 } : {}),
  };
}

/** What the engine gives a resource, without an engine: as Docker 20.10 on Linux has it. */
export function dockerOutputs(type: string, id: string, inputs: Values): Values {
  switch (type) {
    case NETWORK:
      return { driver: "bridge", internal: false, options: {}, scope: "local", ipamConfigs: [{ subnet: "172.18.0.0/16", gateway: "172.18.0.1" }] };
    case VOLUME:
      return { driver: "local", mountpoint: `/var/lib/docker/volumes/${text(inputs["name"])}/_data` };
    case CONTAINER:
      return {
        bridge: "",
        command: [],
        containerLogs: "",
        entrypoints: [],
        exitCode: 0,
        hostname: id.slice(0, 12),
        init: false,
        ipcMode: "private",
        logDriver: "json-file",
        networkDatas: networksOf(inputs).map((networkName) => ({ networkName, ipAddress: "172.18.0.2", ipPrefixLength: 16, gateway: "172.18.0.1", globalIpv6Address: "", globalIpv6PrefixLength: 0, ipv6Gateway: "", macAddress: "02:42:ac:12:00:02" })),
        runtime: "runc",
        securityOpts: [],
        shmSize: 64,
        stopSignal: "",
        stopTimeout: 0,
      };
    case IMAGE:
      return { imageId: `sha256:${createHash("sha256").update(text(inputs["name"])).digest("hex")}`, repoDigest: "" };
    default:
      return {};
  }
}

function networksOf({ networksAdvanced }: Values): string[] {
  return Array.isArray(networksAdvanced) && networksAdvanced.length > 0 ? networksAdvanced.map((network: Value) => text((network as Values)["name"])) : ["bridge"];
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}
