import { createHash } from "node:crypto";

import { all, ComponentResource, Stash } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";

import { BulkheadError } from "../manager/src/errors/bulkhead-error";
import { setupHook } from "./hook";

/** What the validation depends on and does. */
export interface TierValidationArgs {
  /** Everything that is set up by hooks. */
  readonly compartments: readonly (Resource & { readonly fingerprint: Output<string> })[];
  /** Runs every check; a sentence for each that failed. */
  readonly validate: (signal: AbortSignal) => Promise<readonly string[]>;
}

/** At most this many failed checks are spelled out in the engine's output. */
const FAILURES_SHOWN = 20;

/**
 * The proof from the inside, after every deploy that changed a compartment: its anchor depends on all of theirs. As with them, a failed
 * validation is not in the state, so the next `up` validates again.
 */
export class TierValidation extends ComponentResource {
  constructor(name: string, { compartments, validate }: TierValidationArgs, options?: ComponentResourceOptions) {
    super("bulkhead:index:TierValidation", name, {}, options);
    const hook = setupHook(name, "validation", async (signal) => {
      const failures = await validate(signal);
      if (failures.length === 0) return;
      const more = failures.length > FAILURES_SHOWN ? [`and ${failures.length - FAILURES_SHOWN} more`] : [];
      throw new BulkheadError("VALIDATION_FAILED", `${failures.length} checks failed:\n${[...failures.slice(0, FAILURES_SHOWN), ...more].map((line) => `  - ${line}`).join("\n")}`, { hint: "npm run validate" });
    });
    const fingerprint = all(compartments.map((compartment) => compartment.fingerprint)).apply((parts) => createHash("sha256").update(parts.join("\n")).digest("hex"));
    new Stash(name, { input: { compartments: fingerprint } }, { parent: this, dependsOn: [...compartments], hooks: { beforeCreate: [hook], beforeUpdate: [hook] } });
    this.registerOutputs({});
  }
}
