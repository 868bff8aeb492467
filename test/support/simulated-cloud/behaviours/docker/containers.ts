import { setTimeout as sleep } from "node:timers/promises";

import { EngineError } from "../../../docker/engine-api";
import type { EngineApi } from "../../../docker/engine-api";
import type { Values } from "../../provider/property-values";
import { containerOutputs } from "./container-outputs";
import type { ContainerJson } from "./container-outputs";
import { creationRequest, endpoints, memoryBytes } from "./container-request";
import { refused } from "./networks-volumes-images";
import { number, text } from "./values";

// As the provider does it: kreuzwerker/terraform-provider-docker, internal/provider/resource_docker_container_funcs.go.

const POLL_MS = 50;

/** Makes it on the engine's default network, moves it to those that are asked for, starts it, and waits until it is healthy where that is asked for. */
export async function createContainer(api: EngineApi, inputs: Values): Promise<Values> {
  const image = text(inputs["image"]);
  if (inputs["uploads"] !== undefined) throw new Error("the simulated provider uploads nothing");
  if ((await api.find(`/images/${image}/json`)) === undefined) await refused(`Unable to create container with image ${image}: unable to pull image ${image}: error pulling image ${image}`, api.post(`/images/create?fromImage=${encodeURIComponent(image)}`));
  const { Id } = await refused("Unable to create container", api.post<{ Id: string }>(`/containers/create?name=${encodeURIComponent(text(inputs["name"]))}`, creationRequest(inputs)));
  try {
    const networks = endpoints(inputs);
    if (networks.length > 0) {
      await refused("Unable to disconnect the default network", api.post("/networks/bridge/disconnect", { Container: Id })).catch((error: unknown) => {
        if (!String(error).includes("is not connected to")) throw error;
      });
      for (const { name, config } of networks) await refused(`Unable to connect to network '${name}'`, api.post(`/networks/${name}/connect`, { Container: Id, EndpointConfig: config }));
    }
    if (inputs["start"] !== false) await refused("Unable to start container", api.post(`/containers/${Id}/start`));
    if (inputs["wait"] === true) await untilHealthy(api, Id, number(inputs["waitTimeout"]));
    const container = await inspect(api, Id);
    if (inputs["start"] !== false && inputs["mustRun"] !== false && !container!.State.Running) throw new Error("container exited immediately");
    return { id: Id, ...containerOutputs(container!, inputs) };
  } catch (error) {
    // The real one leaves it behind, for the next deployment to replace.
    await api.delete(`/containers/${Id}?force=true&v=true`);
    throw error;
  }
}

/** Only what the engine can change of a running container; the rest the provider takes for done, and sees at the next refresh that it is not. */
export async function updateContainer(api: EngineApi, id: string, inputs: Values, previous: Values): Promise<Values> {
  const live = ["restart", "maxRetryCount", "cpuShares", "memory", "cpuSet", "memorySwap", "memoryReservation"];
  if (live.some((name) => (inputs[name] ?? null) !== (previous[name] ?? null))) {
    await refused("Unable to update a container", api.post(`/containers/${id}/update`, {
      RestartPolicy: { Name: text(inputs["restart"]), MaximumRetryCount: number(inputs["maxRetryCount"]) },
      CpuShares: number(inputs["cpuShares"]),
      CpusetCpus: text(inputs["cpuSet"]),
      Memory: memoryBytes(inputs["memory"]),
      MemorySwap: memoryBytes(inputs["memorySwap"]),
      MemoryReservation: memoryBytes(inputs["memoryReservation"]),
    }));
  }
  const container = await inspect(api, id);
  if (inputs["mustRun"] !== false && container !== undefined && !container.State.Running) await refused("Unable to start container", api.post(`/containers/${id}/start`));
  return {};
}

export async function readContainer(api: EngineApi, id: string, inputs: Values): Promise<Values | "gone"> {
  const container = await inspect(api, id);
  return container === undefined ? "gone" : containerOutputs(container, inputs);
}

/** By force, unless the program gives it time to end: only `destroyGraceSeconds` does. */
export async function deleteContainer(api: EngineApi, id: string, inputs: Values): Promise<void> {
  try {
    if (number(inputs["destroyGraceSeconds"]) > 0) await refused(`Error stopping container ${id}`, api.post(`/containers/${id}/stop?t=${number(inputs["destroyGraceSeconds"])}`));
    await refused(`Error deleting container ${id}`, api.delete(`/containers/${id}?force=true&v=${String(inputs["removeVolumes"] !== false)}`));
  } catch (error) {
    if (!(error instanceof EngineError && error.status === 404)) throw error;
  }
}

async function untilHealthy(api: EngineApi, id: string, timeoutS: number): Promise<void> {
  const deadline = performance.now() + timeoutS * 1000;
  for (;;) {
    const state = (await inspect(api, id))?.State;
    if (state?.Health?.Status === "healthy") return;
    if (state?.Health === undefined || state.Health === null) throw new Error("Unable to wait for the container: it has no health check, or has ended");
    if (state.Health.Status === "unhealthy" || performance.now() > deadline) throw new Error(`Error waiting for container to be healthy: it is ${state.Health.Status}`);
    await sleep(POLL_MS);
  }
}

function inspect(api: EngineApi, id: string): Promise<ContainerJson | undefined> {
  return api.find<ContainerJson>(`/containers/${id}/json`);
}

