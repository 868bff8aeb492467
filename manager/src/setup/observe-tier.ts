import type { Catalog } from "../catalog/catalog";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { mapConcurrently } from "../provision/concurrency";
import { inspect, isConverged } from "../provision/inspect";
import type { Inspection } from "../provision/inspect";
import type { ProvisionOptions } from "../provision/options";
import { schemaState } from "./schema";
import { makesDatabase } from "./summary";

/** One compartment as it really is. */
export interface ObservedCompartmentState {
  readonly compartment: CompartmentPlan;
  /** What `up` would change, a sentence each. Empty: as planned. */
  readonly findings: readonly string[];
  /** Its database does not exist, so `up` makes it from nothing. */
  readonly isNew: boolean;
  /** The token of the last setup if nothing differs, else null: whoever sees null has work to do. */
  readonly token: string | null;
  /** Number of the newest applied migration; null where it is not known. */
  readonly schemaVersion: number | null;
}

export interface ObservedTier {
  readonly compartments: readonly ObservedCompartmentState[];
  readonly inspection: Inspection;
}

/** Holds plan, secrets and schema files against the tier; changes nothing. */
export async function observeTier(catalog: Catalog, plan: TierPlan, root: string, options: ProvisionOptions): Promise<ObservedTier> {
  const inspection = await inspect(plan, options);
  const compartments = await mapConcurrently(inspection.compartments, 6, async (inspected): Promise<ObservedCompartmentState> => {
    const compartment = plan.compartments.find(({ service }) => service === inspected.service)!;
    const source = catalog.services.find(({ name }) => name === inspected.service)!.migrations!;
    const own = [...inspected.changes.map(({ finding }) => finding), ...inspected.credentials.map(({ finding }) => finding)];
    const isNew = makesDatabase(inspected.changes);
    // Without its roles or secrets a compartment's schema cannot be asked about; the setup makes both anyway.
    if (!isConverged(inspected)) return { compartment, findings: own, isNew, token: null, schemaVersion: null };
    const schema = await schemaState({ ...options, compartment, source, root });
    return { compartment, findings: [...own, ...schema.findings], isNew, token: schema.findings.length === 0 ? inspected.token : null, schemaVersion: schema.version };
  });
  return { compartments, inspection };
}
