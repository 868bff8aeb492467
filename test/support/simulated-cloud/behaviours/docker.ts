import { EngineApi } from "../../docker/engine-api";
import type { Behaviour, Behaviours } from "../provider/behaviour";
import type { Cloud } from "../provider/cloud";
import { CONTAINER, IMAGE, NETWORK, VOLUME } from "../provider/docker/docker-facts";

/** Loaded when there is something to do: the provider starts at every command. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- on demand
const containers = (): typeof import("./docker/containers") => require("./docker/containers") as typeof import("./docker/containers");
// eslint-disable-next-line @typescript-eslint/no-require-imports -- on demand
const others = (): typeof import("./docker/networks-volumes-images") => require("./docker/networks-volumes-images") as typeof import("./docker/networks-volumes-images");

/** Networks, volumes, images and containers are those of a real engine: only the plugin between it and Pulumi is a double. */
export const behaviours: Behaviours = {
  [NETWORK]: on((api) => ({
    create: ({ inputs }) => others().createNetwork(api, inputs),
    read: ({ id }) => others().readNetwork(api, id),
    delete: ({ id }) => others().deleteNetwork(api, id),
  })),
  [VOLUME]: on((api) => ({
    create: ({ inputs }) => others().createVolume(api, inputs),
    read: ({ id }) => others().readVolume(api, id),
    delete: ({ id }) => others().deleteVolume(api, id),
  })),
  [IMAGE]: on((api) => ({
    create: ({ inputs }) => others().createImage(api, inputs),
    update: ({ inputs }) => others().createImage(api, inputs).then(({ imageId }) => ({ imageId: imageId! })),
    read: ({ inputs }) => others().readImage(api, inputs),
    delete: ({ inputs }) => others().deleteImage(api, inputs),
  })),
  [CONTAINER]: on((api) => ({
    create: ({ inputs }) => containers().createContainer(api, inputs),
    update: ({ id, inputs }, previous) => containers().updateContainer(api, id, inputs, previous.outputs),
    read: ({ id, inputs }) => containers().readContainer(api, id, inputs),
    delete: ({ id, inputs }) => containers().deleteContainer(api, id, inputs),
  })),
};

/** A behaviour on the engine that the provider's configuration names. */
function on(behaviour: (api: EngineApi) => Behaviour): Behaviour {
  const at = (cloud: Cloud): Behaviour => behaviour(new EngineApi(cloud.settings.endpoint!));
  return {
    create: async (resource, cloud) => at(cloud).create?.(resource, cloud),
    update: async (resource, previous, cloud) => at(cloud).update?.(resource, previous, cloud),
    read: async (resource, cloud) => at(cloud).read?.(resource, cloud),
    delete: async (resource, cloud) => at(cloud).delete?.(resource, cloud),
  };
}
