import type { Target } from "../tier";
import { dockerFacts, openDockerAccess } from "./access";
import { removeStack, startStack, stopStack } from "./lifecycle";
import { dockerLogs, dockerStatus } from "./status";
import { adoptedVolumeOf } from "./volumes";

/** The developers' stack in Docker: shared-postgres, and Redis and ClickHouse where services ask for them; docs/docker.md. */
export const target: Target = {
  // Passwords are in files that are mounted, never in a resource.
  stateBackend: null,

  // A container that was removed by hand is made again; Docker answers in milliseconds.
  refresh: true,
  stores: ["redis", "clickhouse"],

  // Its rules are about clouds. What is to be had here (a closed port, no secret in the environment) the components do not leave open.
  policies: () => null,

  facts: dockerFacts,

  // Loaded when it is called: Pulumi's SDK takes a while, and `status` or `conn` need nothing of it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  loadTier: () => (require("./tier") as typeof import("./tier")).createDockerTier,

  openAccess: openDockerAccess,

  status: dockerStatus,

  logs: dockerLogs,

  start: startStack,
  stop: stopStack,

  // Containers can be made again, volumes outlive `pulumi destroy`, and the data are asked for by name.
  requireDestroyable: () => {},

  remove: (context) => removeStack(context, adoptedVolumeOf(context)),
};
