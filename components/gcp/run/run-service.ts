import { Service } from "@pulumi/gcp/cloudrunv2/service";
import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";
import type { cloudrunv2 as inputs } from "@pulumi/gcp/types/input";
import type { CustomResourceOptions, Input } from "@pulumi/pulumi";

import type { ServiceRunConfig } from "../config/gcp-config";
import { labelsOf, namesOf } from "../labels";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/** A secret as a file in the container, and the variable that names the file. */
export interface MountedSecret {
  /** e.g. `DB_SECRET_FILE`, which the manager library reads. */
  readonly variable: string;
  /** Folder below `/secrets`; also the volume's name. */
  readonly folder: string;
  /** Secret id, known when the service may read it. */
  readonly secret: Input<string>;
}

export interface RunServiceArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly project: string;
  readonly region: string;
  /** Name in the catalog. */
  readonly service: string;
  /** Port that the container listens on; Cloud Run tells it by `PORT`. */
  readonly port: number;
  /** Answers 2xx while the process is in order. It must not ask the database: an outage there would restart every instance, too. */
  readonly healthPath: string;
  readonly config: ServiceRunConfig;
  /** E-mail of the service's own account. */
  readonly account: Input<string>;
  /** The way into the VPC; null for a service that calls nobody and has no store. */
  readonly vpcAccess: Input<inputs.ServiceTemplateVpcAccess> | null;
  readonly secrets: readonly MountedSecret[];
  /** Further variables, none of them secret: where the services are that it calls. */
  readonly variables: Readonly<Record<string, Input<string>>>;
  /** Whether the load balancer sends users to it, so that requests come without Google's token. */
  readonly exposed: boolean;
  /** Whether services of the catalog call it, at its `run.app` address. */
  readonly called: boolean;
  /** Key of one's own for the container's image and what it writes. Null: Google's. A disabled key stops the service. */
  readonly encryptionKey: Input<string> | null;
  readonly deletionProtection: boolean;
  readonly transform?: Transform<ServiceArgs>;
}

/** Longest a request may take, seconds. */
const REQUEST_TIMEOUT = "600s";

/**
 * A service of the catalog on Cloud Run.
 *
 * Who gets in is decided twice. By the network: from the VPC and the load balancer only, whatever address is used. By IAM: an internal service
 * answers to the accounts that hold `run.invoker` on it. The service behind the load balancer cannot ask for that, since users have no Google token:
 * its check is off (`invokerIamDisabled`), which is not the same as `allUsers` in its policy. That grant is what organisations forbid (domain restricted sharing) and
 * scanners look for, and it would stay in force if somebody opened the ingress. Such a service has to authenticate its users itself. Its `run.app`
 * address is off unless a service calls it.
 */
export function runService(name: string, args: RunServiceArgs, options: CustomResourceOptions): Service {
  return new Service(name, applyTransform(serviceArgs(args), args.transform), options);
}

function serviceArgs(args: RunServiceArgs): ServiceArgs {
  const { stack, project, region, service, exposed, called, deletionProtection } = args;
  return {
    name: namesOf(stack).runService(service),
    project,
    location: region,
    ingress: "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
    invokerIamDisabled: exposed,
    defaultUriDisabled: exposed && !called,
    deletionProtection,
    labels: labelsOf(stack, service),
    template: template(args),
    traffics: [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 100 }],
  };
}

function template({ stack, service, config, account, vpcAccess, secrets, encryptionKey, ...args }: RunServiceArgs): inputs.ServiceTemplate {
  return {
    serviceAccount: account,
    timeout: REQUEST_TIMEOUT,
    executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
    maxInstanceRequestConcurrency: config.concurrency,
    scaling: { minInstanceCount: config.minInstances, maxInstanceCount: config.maxInstances },
    labels: labelsOf(stack, service),
    ...(vpcAccess === null ? {} : { vpcAccess }),
    ...(encryptionKey === null ? {} : { encryptionKey }),
    // Files rather than variables: a file is read anew from Secret Manager, so a rotated password arrives without a new revision, and no crash report or child process has it.
    volumes: secrets.map(({ folder, secret }) => ({ name: folder, secret: { secret, items: [{ path: "secret.json", version: "latest" }] } })),
    containers: [
      {
        image: config.image,
        ports: { containerPort: args.port },
        resources: {
          limits: { cpu: String(config.cpu), memory: `${config.memoryMb}Mi` },
          // With a pool, the CPU stays between requests, at about the price of the instance's whole life: frozen, it can answer no keep-alive, and the pool's connections die unseen.
          cpuIdle: config.poolMax === 0,
          startupCpuBoost: true,
        },
        envs: variables(args, config, secrets),
        volumeMounts: secrets.map(({ folder }) => ({ name: folder, mountPath: `/secrets/${folder}` })),
        // Two minutes to start, then out; a minute and a half of silence, then a new process.
        startupProbe: { httpGet: { path: args.healthPath, port: args.port }, periodSeconds: 5, timeoutSeconds: 4, failureThreshold: 24 },
        livenessProbe: { httpGet: { path: args.healthPath, port: args.port }, periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 3 },
      },
    ],
  };
}

function variables({ project, variables }: Pick<RunServiceArgs, "project" | "variables">, { poolMax }: ServiceRunConfig, secrets: readonly MountedSecret[]): inputs.ServiceTemplateContainerEnv[] {
  const plain: Record<string, Input<string>> = {
    GOOGLE_CLOUD_PROJECT: project,
    NODE_ENV: "production",
    // None while nobody asks: an instance that sleeps holds none that another could use.
    ...(poolMax === 0 ? {} : { DB_MAX_CONNECTIONS: String(poolMax), DB_MIN_CONNECTIONS: "0" }),
    ...Object.fromEntries(secrets.map(({ variable, folder }) => [variable, `/secrets/${folder}/secret.json`])),
    ...variables,
  };
  return Object.entries(plain).map(([name, value]) => ({ name, value }));
}
