import type { Service } from "../../../../manager/src/catalog/catalog";
import { imageParts } from "../../../../manager/src/catalog/web";
import type { Problems } from "../../../settings/problems";
import { connectionsNeeded, defaultMaxInstances, ROLLOUT_FACTOR } from "../connection-budget";
import type { ServiceRunConfig } from "../gcp-config";
import type { Check } from "./check";

/** Memory that an instance of so many CPUs must have, and may have. (Cloud Run documentation, "Memory limits" and "CPU limits".) */
const MEMORY_MB_BY_CPU: Readonly<Record<number, readonly [min: number, max: number]>> = {
  1: [512, 4096],
  2: [512, 8192],
  4: [2048, 16_384],
  6: [4096, 24_576],
  8: [4096, 32_768],
};

/** Whether each service's instances and pools stay within its connections, and their sizes and images within what Google takes. */
export const checkServices: Check = ({ services, deletionProtection }, catalog, problems) => {
  for (const service of catalog.services) {
    const run = services[service.name];
    if (run === undefined) continue;
    const path = `services.${service.name}`;
    if (problems.clean(`${path}.image`)) checkImage(`${path}.image`, run.image, deletionProtection, problems);
    if (problems.clean(path)) {
      checkConnections(service, run, path, problems);
      if (run.minInstances > run.maxInstances) problems.set(`${path}.minInstances`, `is ${run.minInstances}, over maxInstances ${run.maxInstances}`, String(run.maxInstances));
      const [min, max] = MEMORY_MB_BY_CPU[run.cpu]!;
      if (run.memoryMb < min || run.memoryMb > max) problems.set(`${path}.memoryMb`, `is ${run.memoryMb}; with ${run.cpu} CPU Cloud Run takes ${min} to ${max}`, String(run.memoryMb < min ? min : max));
    }
  }
};

/** The images that belong to the tier itself. */
export const checkTierImages: Check = ({ clickhouse, reach, deletionProtection }, _catalog, problems) => {
  if (clickhouse !== null && problems.clean("clickhouse.image")) checkImage("clickhouse.image", clickhouse.image, deletionProtection, problems);
  if (reach.transport === "job" && problems.clean("reach")) checkImage("reach.image", reach.image, deletionProtection, problems);
};

/** A tag can come to mean another image between a preview and an `up`, or between two instances; a digest cannot. */
function checkImage(path: string, image: string, needsDigest: boolean, problems: Problems): void {
  const { name, tag, digest } = imageParts(image);
  if (!/(^|\.)(pkg\.dev|gcr\.io)$/.test(name.split("/")[0]!)) {
    problems.set(path, `is ${image}, which the VPC does not reach: only images of Artifact Registry (a remote repository of it mirrors others) come without the internet`, "europe-west1-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE@sha256:DIGEST");
    return;
  }
  if (digest !== undefined) return;
  if (needsDigest) problems.set(path, `is ${image}, without a digest, and a stack with deletion protection runs nothing else (docker buildx imagetools inspect ${image} shows it)`, `${name}@sha256:DIGEST`);
  else if (tag === undefined) problems.set(path, `is ${image}, without a tag or digest`, `${name}:1.0.0`);
}

function checkConnections({ name, database, connections }: Service, run: ServiceRunConfig, path: string, problems: Problems): void {
  if (database === null) {
    if (run.poolMax > 0) problems.remove(`${path}.poolMax`, `is ${run.poolMax}, but ${name} has no database`);
    return;
  }
  const needed = connectionsNeeded(run);
  if (needed <= connections) return;
  const budget = `may come to ${needed} connections (${run.maxInstances} × ${run.poolMax} × ${ROLLOUT_FACTOR} during a rollout), but ${name} has ${connections} in services.ts`;
  const instances = defaultMaxInstances(connections, run.poolMax);
  if (instances >= 1) problems.set(`${path}.maxInstances`, budget, String(instances));
  else if (connections >= ROLLOUT_FACTOR) problems.set(`${path}.poolMax`, budget, String(Math.floor(connections / ROLLOUT_FACTOR)));
  else problems.add(path, budget, `in services.ts, give ${name} connections: ${needed}`);
}
