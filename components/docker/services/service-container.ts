import { join } from "node:path";

import type { ContainerArgs } from "@pulumi/docker/container";
import type { Input } from "@pulumi/pulumi";

import type { Service } from "../../../manager/src/catalog/catalog";
import { STORE_KINDS } from "../../../manager/src/stores/store-secret";
import type { ServiceConfig } from "../config";
import { serviceContainerName } from "../names";
import type { DockerPaths } from "../paths";
import { baseContainer, configLabels, published } from "../server-container";
import { healthCheck } from "./health-check";
import { calls, SECRET_FILES, SERVICE_FOLDER } from "./service-files";

/** Requests that still run when a service is asked to end have this long. */
const STOP_GRACE_SECONDS = 30;

export interface ServiceContainerArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly service: Service;
  readonly config: ServiceConfig;
  /** Of the host. */
  readonly bindAddress: string;
  /** Those of its `calls` that run in containers too. */
  readonly called: readonly Service[];
  readonly paths: DockerPaths;
  readonly labels: Readonly<Record<string, string>>;
  /** `sha256:…` */
  readonly imageId: Input<string>;
  readonly networkId: Input<string>;
}

/**
 * A service's container. Passwords come by files, in a folder that it alone has mounted, and that it reads anew when one is rotated: no password is in its
 * variables, which everybody who may ask Docker can read, nor in Pulumi's state. It runs as the image's user, without privileges, and can write to /tmp only.
 */
export function serviceContainer({ stack, service, config, bindAddress, called, paths, labels, imageId, networkId }: ServiceContainerArgs): ContainerArgs {
  const { name, port, database } = service;
  const variables = {
    PORT: String(port),
    // Loopback of a container is reached from nowhere else.
    HOST: "0.0.0.0",
    ...secretFiles(service),
    ...calls(called, (callee) => callee.name),
  };
  const healthcheck = config.healthCheck ? healthCheck(service) : null;
  return {
    name: serviceContainerName(stack, name),
    ...baseContainer({ imageId, networkId, alias: name, labels: configLabels(labels, { healthcheck, limits: config, files: {} }), limits: config }),
    envs: Object.entries(variables).map(([variable, value]) => `${variable}=${value}`),
    ...(database === null ? {} : { volumes: [{ hostPath: join(paths.services, name), containerPath: SERVICE_FOLDER, readOnly: true }] }),
    ports: [published(port, port, bindAddress)],
    readOnly: true,
    tmpfs: { "/tmp": "size=64m,mode=1777" },
    capabilities: { drops: ["ALL"] },
    ...(healthcheck === null ? {} : { healthcheck }),
    stopTimeout: STOP_GRACE_SECONDS,
    destroyGraceSeconds: STOP_GRACE_SECONDS,
  };
}

/** Variables that name the files of a service's own logins: of its database the login that the running service has, never the migrator's. */
function secretFiles({ database, ...wants }: Service): Record<string, string> {
  const has = [...(database === null ? [] : ["database" as const]), ...STORE_KINDS.filter((kind) => wants[kind])];
  return Object.fromEntries(has.map((kind) => [SECRET_FILES[kind].variable, `${SERVICE_FOLDER}/${SECRET_FILES[kind].file}`]));
}
