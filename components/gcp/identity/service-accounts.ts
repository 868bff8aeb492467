import { createHash } from "node:crypto";

import { Account } from "@pulumi/gcp/serviceaccount/account";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { namesOf } from "../labels";

/** What acts in the project without being a service of the catalog. */
export type Machine = "clickhouse" | "bastion" | "setup";

export interface ServiceAccountsArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** Services that run here, i.e. have an image; the others have nothing to act with. */
  readonly services: readonly string[];
  readonly machines: readonly Machine[];
}

/**
 * An identity for each service and machine, with no right and no key of its own: rights are given where the thing is that they are for. Never the
 * project's default accounts, which all would share.
 */
export class ServiceAccounts extends ComponentResource {
  /** By service. */
  readonly services: Readonly<Record<string, Account>>;
  readonly machines: Readonly<Partial<Record<Machine, Account>>>;

  constructor(name: string, { stack, services, machines }: ServiceAccountsArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:ServiceAccounts", name, {}, options);
    const names = namesOf(stack);
    this.services = Object.fromEntries(
      services.map((service) => [
        service,
        new Account(
          `${name}-${service}`,
          { accountId: names.serviceAccount(service), displayName: `${service} (${stack})`, description: `The service ${service} of the Bulkhead stack ${stack}.` },
          childOptions(this, options),
        ),
      ]),
    );
    this.machines = Object.fromEntries(
      machines.map((machine) => [
        machine,
        new Account(`${name}-${machine}`, { accountId: machineAccountId(stack, machine), displayName: `Bulkhead ${machine} (${stack})`, description: `The ${machine} of the Bulkhead stack ${stack}.` }, childOptions(this, options)),
      ]),
    );
    this.registerOutputs({});
  }
}

/**
 * `bulkhead-clickhouse-1a2b3c4`: an account's id has at most 30 characters, so the stack is in it as a hash. Two stacks of a project
 * have accounts of their own, and what each is for is in its description.
 */
export function machineAccountId(stack: string, machine: Machine): string {
  return `bulkhead-${machine}-${createHash("sha256").update(stack).digest("hex").slice(0, 7)}`;
}
