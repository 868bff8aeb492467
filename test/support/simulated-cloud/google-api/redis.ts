import type { Cloud, CloudResource } from "../provider/cloud";
import { notFound } from "./http";
import type { Route } from "./http";

const TYPE = "gcp:redis/instance:Instance";

/** Memorystore's instances with what the provider made up for them. No Redis runs behind them: who connects gets no further than the secret. */
export function redisRoutes(cloud: Cloud): Route[] {
  const instance = (id: string): CloudResource => {
    const found = cloud.get(TYPE, id);
    if (found === undefined) throw notFound(`Resource '${id}'`);
    return found;
  };
  const name = String.raw`(?<id>projects/[^/]+/locations/[^/]+/instances/[^/]+)`;
  return [
    {
      method: "GET",
      pattern: new RegExp(`^/v1/${name}$`),
      answer: ({ id }) => {
        const { host, port, serverCaCerts, state = "READY" } = instance(id!).outputs;
        return { name: id, state, host, port, serverCaCerts, authEnabled: true, transitEncryptionMode: "SERVER_AUTHENTICATION" };
      },
    },
    { method: "GET", pattern: new RegExp(`^/v1/${name}/authString$`), answer: ({ id }) => ({ authString: instance(id!).outputs["authString"] }) },
  ];
}
