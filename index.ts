import { randomUUID } from "node:crypto";

import { Config, getStack, log, RunError, runtime } from "@pulumi/pulumi";

import { Compartment } from "./components/compartment";
import { parseStackConfig } from "./components/stack-config";
import { loadTarget } from "./components/targets";
import type { TierAccess } from "./components/tier";
import { TierValidation } from "./components/tier-validation";
import type { Catalog } from "./manager/src/catalog/catalog";
import { BulkheadError } from "./manager/src/errors/bulkhead-error";
import { redact } from "./manager/src/errors/redact";
import type { CompartmentPlan, TierPlan } from "./manager/src/plan/plan";
import { planTier } from "./manager/src/plan/plan-tier";
import { observeTier } from "./manager/src/setup/observe-tier";
import type { ObservedCompartmentState } from "./manager/src/setup/observe-tier";
import { schemaFingerprint } from "./manager/src/setup/schema";
import { newCompartmentLine } from "./manager/src/setup/summary";
import { validate } from "./manager/src/validate";

const root = __dirname;

/** The Pulumi program: catalog and configuration become a plan, the plan becomes a tier with one compartment a service. */
async function program(): Promise<Record<string, unknown>> {
  const settings = new Config();
  const config = parseStackConfig((name) => settings.get(name));
  const target = loadTarget(config.target);
  // Loaded here, so that a faulty one is reported like everything else that a person can mend.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  const catalog = (require("./services") as typeof import("./services")).default;
  const plan = planTier(catalog, target.facts(config));
  const sources = await Promise.all(
    catalog.services.flatMap(({ name, migrations }) => (migrations === null ? [] : [schemaFingerprint(migrations, root).then((schema) => [name, { source: migrations, schema }] as const)])),
  ).then((entries) => new Map(entries));

  const progress = (line: string): void => void log.info(line);
  const tier = await target.createTier({ stack: getStack(), root, config, progress });
  const { access } = tier;
  const observed = access === null ? null : await observeTier(catalog, plan, root, { ...access, progress });

  const compartments = plan.compartments.map((compartment) => {
    const state = observed?.compartments.find((candidate) => candidate.compartment === compartment);
    const component = new Compartment(
      compartment.service,
      // A token of its own for everything that differs makes the engine see a change, and so run the hook.
      { plan, compartment, ...sources.get(compartment.service)!, root, access, token: state?.token ?? randomUUID() },
      { dependsOn: [tier.resource] },
    );
    if (runtime.isDryRun()) for (const line of previewLines(compartment, state)) void log.info(line, component);
    return component;
  });
  for (const { service, database } of observed?.inspection.leftBehind ?? []) void log.warn(`service ${service} has left the catalog; its database ${database} is kept. To remove it for good: npx bulkhead prune ${service}`);
  for (const { finding } of observed?.inspection.tier.filter(({ manual }) => manual) ?? []) void log.warn(`${finding}; only a superuser can change that`);
  new TierValidation("validation", { compartments, validate: (signal) => failedChecks({ catalog, plan, access, progress, signal }) });

  return {
    tier: { target: config.target, host: access?.endpoint.host, port: access?.endpoint.port, serverVersion: access?.serverVersion },
    services: Object.fromEntries(compartments.map(({ outputs }, index) => [plan.compartments[index]!.service, outputs])),
  };
}

/** What a preview says about one compartment. */
function previewLines(compartment: CompartmentPlan, state: ObservedCompartmentState | undefined): string[] {
  if (state === undefined || state.isNew) return [`would make ${newCompartmentLine(compartment)}`];
  return state.findings.map((finding) => `would change: ${finding}`);
}

/** Every check of the conformance suite; a line for each that failed. */
async function failedChecks({ plan, access, ...options }: { catalog: Catalog; plan: TierPlan; access: TierAccess | null; progress: (line: string) => void; signal: AbortSignal }): Promise<string[]> {
  if (access === null) throw new Error("a validation hook ran in a preview");
  const { checks } = await validate(plan, { ...access, ...options, root });
  return checks.filter(({ status }) => status === "failed").map(({ service, id, detail, heal }) => `${service} ${id}: ${detail}${heal === undefined ? "" : ` (heal: ${heal})`}`);
}

/** What a person can mend is shown without a stack trace. */
export = async (): Promise<Record<string, unknown>> => {
  try {
    return await program();
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    throw new RunError(redact(`${error.message} [${error.code}]${error.hint === undefined ? "" : `\nnext: ${error.hint}`}`));
  }
};
