import { randomUUID } from "node:crypto";

import { getStack, log, runtime } from "@pulumi/pulumi";
import type { Output } from "@pulumi/pulumi";

import { Compartment } from "./components/compartment";
import { tierUnusable, valueOf } from "./components/hook";
import { keepObservation } from "./components/last-observation";
import { mendable, reported } from "./components/mendable";
import { parseStackConfig } from "./components/stack-config";
import { loadTarget } from "./components/targets";
import type { TierAccess } from "./components/tier";
import { StoreCompartments } from "./components/store-compartments";
import { TierValidation } from "./components/tier-validation";
import type { Catalog } from "./manager/src/catalog/catalog";
import type { CompartmentPlan, TierPlan } from "./manager/src/plan/plan";
import { planTier } from "./manager/src/plan/plan-tier";
import { schemaFingerprints } from "./manager/src/setup/request";
import type { CompartmentReport, ObserveReport } from "./manager/src/setup/request";
import { newCompartmentLine } from "./manager/src/setup/summary";
import type { StoreReport } from "./manager/src/stores/store";

const root = __dirname;

/** The Pulumi program: catalog and configuration become a plan, the plan becomes a tier with one compartment a service. */
async function program(): Promise<Record<string, unknown>> {
  const config = parseStackConfig(getStack(), runtime.allConfig());
  const target = loadTarget(config.target);
  // Loaded here, so that a faulty one is reported like everything else that a person can mend.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  const catalog = (require("./services") as typeof import("./services")).default;
  const plan = planTier(catalog, target.facts(config, catalog));
  const schemas = await schemaFingerprints(catalog, null, root);
  const progress = (line: string): void => void log.info(line);
  const { resource, access, runServices } = await target.loadTier()({ stack: getStack(), root, config, catalog: () => catalog, progress });
  const observed = access.apply(async (way) => (way === null ? null : reported(() => way.operations.observe({ catalog, plan, root, progress }))));
  observed.apply((tier) => {
    if (tier === null) return;
    keepObservation(tier);
    warnOf(tier);
    if (runtime.isDryRun()) for (const { kind, findings } of tier.stores) for (const finding of findings) void log.info(`would change: ${kind}: ${finding}`);
  });

  const compartments = plan.compartments.map((compartment) => {
    const state = observed.apply((tier) => tier?.compartments.find(({ service }) => service === compartment.service));
    const component = new Compartment(
      compartment.service,
      // A token of its own for everything that differs makes the engine see a change, and so run the hook.
      { catalog, plan, compartment, schema: schemas[compartment.service]!, root, access, token: state.apply((found) => found?.token ?? randomUUID()) },
      { dependsOn: [resource] },
    );
    if (runtime.isDryRun()) access.apply((way) => state.apply((found) => previewLines(compartment, way, found).forEach((line) => void log.info(line, component))));
    return component;
  });
  const stores = target.stores.flatMap((kind) => {
    const services = catalog.services.filter((service) => service[kind]).map(({ name }) => name);
    if (services.length === 0) return [];
    const token = observed.apply((tier) => storeToken(tier?.stores.find((store) => store.kind === kind)));
    return [{ services, component: new StoreCompartments(kind, { kind, services, access, token }, { dependsOn: [resource] }) }];
  });
  new TierValidation("validation", { compartments: [...compartments, ...stores.map(({ component }) => component)], validate: (signal) => failedChecks({ catalog, plan, access, progress, signal }) });

  const run = runServices?.((service) => [
    ...compartments.filter((_, index) => plan.compartments[index]!.service === service),
    ...stores.flatMap(({ services, component }) => (services.includes(service) ? [component] : [])),
  ]);

  return {
    ...run,
    tier: { target: config.target, host: access.apply((way) => way?.endpoint.host), port: access.apply((way) => way?.endpoint.port), serverVersion: access.apply((way) => way?.serverVersion) },
    services: Object.fromEntries(compartments.map(({ outputs }, index) => [plan.compartments[index]!.service, outputs])),
  };
}

/** A token of its own for everything that differs makes the engine see a change, and so run the hook; a store that is absent is no change until it is there. */
function storeToken(store: StoreReport | undefined): string {
  return store !== undefined && store.absence !== null ? "absent" : (store?.token ?? randomUUID());
}

/** Tells of what `up` does not mend. */
function warnOf({ leftBehind, manual, stores }: ObserveReport): void {
  for (const { service, database } of leftBehind) void log.warn(`service ${service} has left the catalog; its database ${database} is kept. To remove it for good: npx bulkhead prune ${service}`);
  for (const finding of manual) void log.warn(`${finding}; only a superuser can change that`);
  for (const { kind, services, absence } of stores) if (absence !== null) void log.warn(`${services.join(", ")} ${services.length === 1 ? "is" : "are"} degraded: no ${kind}, since ${absence.reason}. To mend it: ${absence.fix}`);
}

/** What a preview says about one compartment; nothing where looking failed, which has been told. */
function previewLines(compartment: CompartmentPlan, access: TierAccess | null, state: CompartmentReport | undefined): string[] {
  if (access === null || state?.isNew === true) return [`would make ${newCompartmentLine(compartment)}`];
  return (state?.findings ?? []).map((finding) => `would change: ${finding}`);
}

/** Every check of the conformance suite; a line for each that failed. */
async function failedChecks({ access, ...options }: { catalog: Catalog; plan: TierPlan; access: Output<TierAccess | null>; progress: (line: string) => void; signal: AbortSignal }): Promise<string[]> {
  const way = await valueOf(access);
  if (way === null) throw tierUnusable();
  const { checks } = await way.operations.validate({ ...options, root });
  return checks.filter(({ status }) => status === "failed").map(({ service, id, detail, heal }) => `${service} ${id}: ${detail}${heal === undefined ? "" : ` (heal: ${heal})`}`);
}

export = (): Promise<Record<string, unknown>> => mendable(program);
