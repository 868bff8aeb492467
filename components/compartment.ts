import { createHash } from "node:crypto";

import { ComponentResource, log, Stash } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import type { MigrationSource } from "../manager/src/catalog/catalog";
import type { CompartmentPlan, TierPlan } from "../manager/src/plan/plan";
import { SECRET_LOGINS } from "../manager/src/secrets/secret";
import type { SecretLogin } from "../manager/src/secrets/secret";
import { setUpCompartment } from "../manager/src/setup/set-up-compartment";
import { setupHook } from "./hook";
import type { TierAccess } from "./tier";

/** What a compartment is made from; plain values, since everything is known when the program runs. */
export interface CompartmentArgs {
  /** The whole plan: provisioning looks at the others' roles too, to find what they may do here. */
  readonly plan: TierPlan;
  /** This compartment's part of it. */
  readonly compartment: CompartmentPlan;
  readonly source: MigrationSource;
  /** Fingerprint of the schema's files. */
  readonly schema: string;
  /** Folder that the source's paths are relative to. */
  readonly root: string;
  /** The way into the tier; null in a preview before there is one. */
  readonly access: TierAccess | null;
  /** That of the last setup if the server is as it left it, else a new one. */
  readonly token: string;
}

/** What other Pulumi programs learn of a compartment, by StackReference; the secrets by reference only. */
export interface CompartmentOutputs {
  readonly database: string;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly roles: CompartmentPlan["roles"];
  readonly secrets: Readonly<Record<SecretLogin, string>> | undefined;
}

/**
 * One service's compartment: its roles, database, secrets and schema, made by a hook of the anchor. The hook runs *before* the anchor is
 * created or updated, so that a setup that failed is not in the state and the next `up` runs it again.
 */
export class Compartment extends ComponentResource {
  /** What the stack exports for the service. */
  readonly outputs: CompartmentOutputs;
  /** Fingerprint of all that the setup was made from. */
  readonly fingerprint: Output<string>;

  constructor(name: string, args: CompartmentArgs, options?: ComponentResourceOptions) {
    super("bulkhead:index:Compartment", name, {}, options);
    const { compartment, access } = args;
    const setUp = setupHook(`${name}-setup`, `setting up the compartment of ${name}`, (signal) => this.setUp(args, signal));
    const anchor = new Stash(
      `${name}-setup`,
      {
        input: {
          plan: createHash("sha256").update(JSON.stringify([args.plan.tier, compartment])).digest("hex"),
          schema: args.schema,
          server: access?.identity ?? null,
          token: args.token,
        },
      },
      { parent: this, hooks: { beforeCreate: [setUp], beforeUpdate: [setUp] } },
    );
    // Stash keeps its first output for good; the input is what is true now.
    this.fingerprint = anchor.input.apply((input: unknown) => createHash("sha256").update(JSON.stringify(input)).digest("hex"));
    this.outputs = {
      database: compartment.database.name,
      host: access?.endpoint.host,
      port: access?.endpoint.port,
      roles: compartment.roles,
      secrets: access === null ? undefined : secretReferences(name, access),
    };
    this.registerOutputs({ ...this.outputs });
  }

  private async setUp({ plan, compartment, source, root, access, token }: CompartmentArgs, signal: AbortSignal): Promise<void> {
    if (access === null) throw new Error("a setup hook ran in a preview");
    const progress = (line: string): void => void log.info(line, this);
    await setUpCompartment({ ...access, plan, compartment, source, root, token, progress, signal });
  }
}

function secretReferences(service: string, { secrets }: TierAccess): Record<SecretLogin, string> {
  return Object.fromEntries(SECRET_LOGINS.map((login) => [login, secrets.reference({ service, login })])) as Record<SecretLogin, string>;
}
