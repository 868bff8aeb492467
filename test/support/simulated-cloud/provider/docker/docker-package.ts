import type { CloudPackage } from "../cloud-package";
import { compared } from "./compared";
import { dockerFacts } from "./docker-facts";
import { dockerOutputs, readBack } from "./read-back";
import { admit, checkMeaning, release } from "./rules";

const NOWHERE = { project: "", projectNumber: "", region: "", zone: "" };

/** Docker: pulumi-docker, a bridge to kreuzwerker/terraform-provider-docker. */
export const docker: CloudPackage = {
  name: "docker",
  npmPackage: "@pulumi/docker",
  facts: dockerFacts,
  refusals: {
    // Volumes and images alone have ids that a program can give twice.
    exists: () => undefined,
    missing: (type, id) => `Error response from daemon: No such ${type.split(":").at(-1)!.toLowerCase()}: ${id}`,
  },
  // Without behaviours there is no engine to ask.
  settings: (config) => ({ ...NOWHERE, ...(process.env["SIMULATED_CLOUD_BEHAVIOURS"] === undefined ? {} : { endpoint: config["host"] ?? process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock" }) }),
  check: checkMeaning,
  forcesReplacement: () => [],
  compared: (_, change, schema) => compared(change, schema),
  readBack,
  outputs: dockerOutputs,
  admit,
  release,
  invoke(token) {
    throw new Error(`the simulated cloud does not know the data source ${token}`);
  },
};
