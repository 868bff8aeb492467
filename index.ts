import { randomUUID } from "node:crypto";

import { Config, getStack, log, RunError, runtime } from "@pulumi/pulumi";

import { Compartment } from "./components/compartment";
import { parseStackConfig } from "./components/stack-config";
import { loadTarget } from "./components/targets";
import { TierValidation } from "./components/tier-validation";
import { BulkheadError } from "./manager/src/errors/bulkhead-error";
import { redact } from "./manager/src/errors/redact";
import { planTier } from "./manager/src/plan/plan-tier";
import { observeTier } from "./manager/src/setup/observe-tier";
import { schemaFingerprint } from "./manager/src/setup/schema";
import catalog from "./services";

const root = __dirname;

/** The Pulumi program: catalog and configuration become a plan, the plan becomes a tier with one compartment a service. */
async function program(): Promise<Record<string, unknown>> {
  const settings = new Config();
  const config = parseStackConfig((name) => settings.get(name));
  const target = loadTarget(config.target);
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
    if (runtime.isDryRun()) for (const finding of state?.findings ?? []) void log.info(`would change: ${finding}`, component);
    return component;
  });
  for (const { service, database } of observed?.inspection.leftBehind ?? []) void log.warn(`service ${service} has left the catalog; its database ${database} is kept. To remove it for good: npx bulkhead prune ${service}`);
  for (const { finding } of observed?.inspection.tier.filter(({ manual }) => manual) ?? []) void log.warn(`${finding}; only a superuser can change that`);
  new TierValidation("validation", { compartments, validate: async () => [] });

  return {
    tier: { target: config.target, host: access?.endpoint.host, port: access?.endpoint.port, serverVersion: access?.serverVersion },
    services: Object.fromEntries(compartments.map(({ outputs }, index) => [plan.compartments[index]!.service, outputs])),
  };
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
