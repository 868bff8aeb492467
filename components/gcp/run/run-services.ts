import type { Service, ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";
import type { cloudrunv2 as inputs } from "@pulumi/gcp/types/input";
import { urlVariable } from "../../../manager/src/catalog/web";
import { ComponentResource, interpolate } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input, Resource } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import type { ServiceRunConfig } from "../config/gcp-config";
import { grantInvoker, invocations } from "./invokers";
import { namesOf } from "../labels";
import { runService } from "./run-service";
import type { MountedSecret } from "./run-service";
import { storeSecretNames } from "../secrets/secret-containers";
import type { SecretOwner } from "../secrets/secret-containers";
import type { Secrets } from "../secrets/secrets";
import type { ServiceAccounts } from "../identity/service-accounts";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/** What the catalog says of a service that runs here. */
export interface RunnableService extends SecretOwner {
  readonly port: number;
  readonly healthPath: string;
  readonly calls: readonly string[];
}

export interface RunServicesArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly project: string;
  /** The project's number, which is in every service's address. */
  readonly projectNumber: Input<string>;
  readonly region: string;
  /** The catalog's services, whether they run here or not. */
  readonly services: readonly RunnableService[];
  /** By service; those that are here run here. */
  readonly config: Readonly<Record<string, ServiceRunConfig>>;
  readonly accounts: ServiceAccounts;
  readonly secrets: Secrets;
  /** A service's way into the VPC, tagged as itself; null for none. */
  readonly vpcAccess: (service: string) => Input<inputs.ServiceTemplateVpcAccess> | null;
  /** Services that the load balancer sends users to. */
  readonly exposed: ReadonlySet<string>;
  /** What has to be there first: the service's own compartment, since a secret without a version fails the deployment. */
  readonly after: (service: string) => readonly Resource[];
  /** Key of one's own. Null: Google's. */
  readonly encryptionKey: Input<string> | null;
  readonly deletionProtection: boolean;
  /** Which service is bent can be told by the arguments' `name`. */
  readonly transform?: { readonly service?: Transform<ServiceArgs> };
}

/**
 * The services that have an image, each with its own account and its own secrets, and among them exactly the calls of the catalog.
 *
 * A service learns where those are that it calls from `<NAME>_URL`: Cloud Run's address by project number, which is known before the service is, so
 * that two services may call each other.
 */
export class RunServices extends ComponentResource {
  /** By name in the catalog. */
  readonly services: Readonly<Record<string, Service>>;

  constructor(name: string, args: RunServicesArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:RunServices", name, {}, options);
    const running = args.services.filter((service) => Object.hasOwn(args.config, service.name));
    const calls = invocations(running, new Set(running.map((service) => service.name)));
    const called = new Set(calls.map(({ callee }) => callee));
    const urlOf = (service: string) => interpolate`https://${namesOf(args.stack).runService(service)}-${args.projectNumber}.${args.region}.run.app`;

    this.services = Object.fromEntries(
      running.map((service) => {
        const config = args.config[service.name];
        const account = args.accounts.services[service.name];
        if (config === undefined || account === undefined) throw new Error(`${service.name} runs here and has no service account`);
        const urls = calls.filter(({ caller }) => caller === service.name).map(({ callee }) => [urlVariable(callee), urlOf(callee)]);
        const made = runService(
          `${name}-${service.name}`,
          {
            stack: args.stack,
            project: args.project,
            region: args.region,
            service: service.name,
            port: service.port,
            healthPath: service.healthPath,
            config,
            account: account.email,
            vpcAccess: args.vpcAccess(service.name),
            secrets: mountedSecrets(args, service),
            variables: Object.fromEntries(urls) as Record<string, Input<string>>,
            exposed: args.exposed.has(service.name),
            called: called.has(service.name),
            encryptionKey: args.encryptionKey,
            deletionProtection: args.deletionProtection,
            transform: (given) => applyTransform(given, args.transform?.service),
          },
          childOptions(this, options, { dependsOn: [...args.after(service.name)], protect: args.deletionProtection }),
        );
        return [service.name, made];
      }),
    );
    for (const call of calls) grantInvoker(`${name}-${call.caller}-calls-${call.callee}`, call, this.services, args.accounts, childOptions(this, options));
    this.registerOutputs({});
  }
}

/** A service's own secrets, and no other's: of its database the login that the running service has, never the migrator's. */
function mountedSecrets({ stack, secrets }: RunServicesArgs, { name, database, redis, clickhouse }: RunnableService): MountedSecret[] {
  const stores = storeSecretNames(stack);
  return [
    ...(database === null ? [] : [{ variable: "DB_SECRET_FILE", folder: "database", secret: secrets.readable(namesOf(stack).secret(name, "app")) }]),
    ...(redis ? [{ variable: "REDIS_SECRET_FILE", folder: "redis", secret: secrets.readable(stores.redis(name)) }] : []),
    ...(clickhouse ? [{ variable: "CLICKHOUSE_SECRET_FILE", folder: "clickhouse", secret: secrets.readable(stores.clickhouse(name)) }] : []),
  ];
}
