import { ServiceIdentity } from "@pulumi/gcp/projects/serviceIdentity";
import { ComponentResource, interpolate } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import { childOptions } from "../child-options";

/** What a key of one's own encrypts; each has a key of its own, so that the right to one is no right to another. */
export type KeyPurpose = "sql" | "redis" | "secrets" | "topics" | "services" | "disks";

/** The API whose service agent encrypts. Compute Engine's cannot be asked for: it is there as soon as its API is. */
const API_OF: Readonly<Record<Exclude<KeyPurpose, "disks" | "secrets">, string>> = {
  sql: "sqladmin.googleapis.com",
  redis: "redis.googleapis.com",
  topics: "pubsub.googleapis.com",
  services: "run.googleapis.com",
};

export interface ServiceAgentsArgs {
  /** Project id. */
  readonly project: string;
  /** Whose agents are needed, beside Secret Manager's; empty without keys of one's own. An agent whose API is off cannot be made. */
  readonly purposes: readonly KeyPurpose[];
}

/** The accounts that Google's own services act as in the project: who may use a key, and who publishes notices of rotation. */
export class ServiceAgents extends ComponentResource {
  /** IAM member of Secret Manager's agent. */
  readonly secretManager: Output<string>;
  /** The project's number, which the names of all agents hold; unknown in the very first preview. */
  readonly projectNumber: Output<string>;
  /** IAM members by purpose. */
  readonly members: Readonly<Partial<Record<KeyPurpose, Output<string>>>>;

  constructor(name: string, args: ServiceAgentsArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:ServiceAgents", name, {}, options);
    const agentOf = (suffix: string, service: string) => new ServiceIdentity(`${name}-${suffix}`, { project: args.project, service }, childOptions(this, options));
    const memberOf = ({ email }: ServiceIdentity): Output<string> => interpolate`serviceAccount:${email}`;

    const secretManager = agentOf("secrets", "secretmanager.googleapis.com");
    this.secretManager = memberOf(secretManager);
    this.projectNumber = secretManager.email.apply(projectNumberOf);
    this.members = Object.fromEntries(
      args.purposes.map((purpose) => {
        if (purpose === "secrets") return [purpose, this.secretManager];
        if (purpose === "disks") return [purpose, interpolate`serviceAccount:service-${this.projectNumber}@compute-system.iam.gserviceaccount.com`];
        return [purpose, memberOf(agentOf(purpose, API_OF[purpose]))];
      }),
    );
    this.registerOutputs({ projectNumber: this.projectNumber });
  }
}

/**
 * The project's number in an agent's address, `service-<number>@…`. It saves a call to Google that every preview would wait for.
 *
 * @throws Error for any other form: a number that was made up would give rights to a stranger's agent
 */
export function projectNumberOf(email: string): string {
  const number = /^service-(\d+)@/.exec(email)?.[1];
  if (number === undefined) throw new Error(`the service agent ${email} has no project number in its name`);
  return number;
}
