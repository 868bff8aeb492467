import { Topic } from "@pulumi/gcp/pubsub/topic";
import { TopicIAMMember } from "@pulumi/gcp/pubsub/topicIAMMember";
import { Secret } from "@pulumi/gcp/secretmanager/secret";
import type { SecretArgs } from "@pulumi/gcp/secretmanager/secret";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember";
import { all, ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input, Output } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import type { SecretsConfig } from "../config/gcp-config";
import { labelsOf } from "../labels";
import type { SecretContainer } from "./secret-containers";
import type { ServiceAccounts } from "../identity/service-accounts";
import type { ServiceAgents } from "../identity/service-agents";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

const ACCESSOR = "roles/secretmanager.secretAccessor";
const DAY_SECONDS = 86_400;

/**
 * What the setup job does with a secret: read it, add a version, disable the older ones. Given a secret at a time. The role can order a version's
 * destruction too, which `versionDestroyTtl` delays by weeks.
 */
const VERSION_MANAGER = "roles/secretmanager.secretVersionManager";

export interface SecretsArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly region: string;
  readonly containers: readonly SecretContainer[];
  /** Whose accounts read. With a `setup` machine, i.e. the job transport, that one may write all of them. */
  readonly accounts: ServiceAccounts;
  readonly agents: ServiceAgents;
  readonly config: SecretsConfig;
  /** Keys of one's own, for the secrets and for the topic. Null: Google's. Going from one to the other replaces every secret, without its versions. */
  readonly keys: { readonly secrets: Input<string>; readonly topics: Input<string> } | null;
  /** Refuses to destroy secrets. A service without its secret does not start. */
  readonly deletionProtection: boolean;
  /** Time from which the first rotation is counted. Default: now. */
  readonly now?: Date;
  readonly transform?: { readonly secret?: Transform<SecretArgs> };
}

/**
 * Secret Manager's containers, empty: what is in them is written by the setup, so that no password is in Pulumi's state. Each has one reader, the
 * account of the service that it is for; nothing is granted on the project, where a right would be one to every secret.
 *
 * A secret that is due is announced on a topic; nothing changes by itself. Notices are kept for a week for whoever subscribes.
 *
 * Failure: while Secret Manager is out, what runs goes on, and no new instance of a service starts.
 */
export class Secrets extends ComponentResource {
  /** By secret id. */
  readonly containers: Readonly<Record<string, Secret>>;
  /** Where rotations that are due are announced. */
  readonly topic: Topic;
  readonly #readable = new Map<string, Output<string>>();

  constructor(name: string, args: SecretsArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Secrets", name, {}, options);
    const child = childOptions(this, options);
    this.topic = new Topic(
      `${name}-rotation`,
      { messageRetentionDuration: `${7 * DAY_SECONDS}s`, messageStoragePolicy: { allowedPersistenceRegions: [args.region] }, labels: labelsOf(args.stack), ...(args.keys === null ? {} : { kmsKeyName: args.keys.topics }) },
      child,
    );
    // Secret Manager tries it out when a secret with a topic is created.
    const publisher = new TopicIAMMember(`${name}-rotation`, { topic: this.topic.name, role: "roles/pubsub.publisher", member: args.agents.secretManager }, child);
    const secretOptions = childOptions(this, options, {
      dependsOn: [publisher],
      protect: args.deletionProtection,
      // Of the program's the first only: Secret Manager moves it on by a period after each notice.
      ignoreChanges: ["rotation.nextRotationTime"],
    });

    this.containers = Object.fromEntries(
      args.containers.map((container) => {
        const secret = new Secret(`${name}-${container.key}`, applyTransform(secretArgs(args, container, this.topic.id), args.transform?.secret), secretOptions);
        const grants = this.#grants(`${name}-${container.key}`, args, container, secret, options);
        this.#readable.set(container.id, all([secret.secretId, all(grants.map((grant) => grant.id))]).apply(([id]) => id));
        return [container.id, secret];
      }),
    );
    this.registerOutputs({});
  }

  /**
   * A secret's id, known when its reader may read it: what a Cloud Run service refers to, whose deployment fails otherwise.
   *
   * @throws Error for an id that was not among the containers
   */
  readable(id: string): Output<string> {
    const found = this.#readable.get(id);
    if (found === undefined) throw new Error(`there is no secret ${id}`);
    return found;
  }

  #grants(name: string, { accounts }: SecretsArgs, container: SecretContainer, secret: Secret, options: ComponentResourceOptions | undefined): SecretIamMember[] {
    const child = childOptions(this, options);
    const grant = (suffix: string, role: string, member: Output<string>) => new SecretIamMember(`${name}-${suffix}`, { secretId: secret.id, role, member }, child);
    const { service, reader, setupJob } = container;
    const account = reader === "service" ? accounts.services[service ?? ""] : reader === "clickhouse" ? accounts.machines.clickhouse : undefined;
    const { setup } = accounts.machines;
    return [
      ...(account === undefined ? [] : [grant("reader", ACCESSOR, account.member)]),
      ...(setup === undefined || setupJob === null ? [] : [grant("setup-reader", ACCESSOR, setup.member)]),
      ...(setup !== undefined && setupJob === "writes" ? [grant("setup-writer", VERSION_MANAGER, setup.member)] : []),
    ];
  }
}

function secretArgs({ stack, region, config, keys, deletionProtection, now = new Date() }: SecretsArgs, { id, service }: SecretContainer, topic: Output<string>): SecretArgs {
  const periodSeconds = config.rotationPeriodDays * DAY_SECONDS;
  return {
    secretId: id,
    // Cannot be changed later. A key of one's own is regional, and `auto` takes keys of all regions only.
    replication: keys === null ? { auto: {} } : { userManaged: { replicas: [{ location: region, customerManagedEncryption: { kmsKeyName: keys.secrets } }] } },
    rotation: { rotationPeriod: `${periodSeconds}s`, nextRotationTime: new Date(now.getTime() + periodSeconds * 1000).toISOString() },
    topics: [{ name: topic }],
    versionDestroyTtl: `${config.versionDestroyDelayDays * DAY_SECONDS}s`,
    deletionProtection,
    labels: labelsOf(stack, service ?? undefined),
  };
}
