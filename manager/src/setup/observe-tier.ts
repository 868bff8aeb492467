import type { Catalog } from "../catalog/catalog";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import type { Change } from "../provision/change";
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
  /** What differs in the catalogs, with its SQL. */
  readonly changes: readonly Change[];
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

/**
 * Holds plan, secrets and schema files against the tier; changes nothing. What differs in the tier as a whole counts as a difference of one
 * compartment, since every setup mends that first, and nobody else would.
 */
export async function observeTier(catalog: Catalog, plan: TierPlan, root: string, options: ProvisionOptions): Promise<ObservedTier> {
  const inspection = await inspect(plan, options);
  const compartments = await mapConcurrently(inspection.compartments, 6, async (inspected): Promise<ObservedCompartmentState> => {
    const compartment = plan.compartments.find(({ service }) => service === inspected.service)!;
    const source = catalog.services.find(({ name }) => name === inspected.service)!.migrations!;
    const ofTier = changesOfTier(inspection, inspected.service);
    const changes = [...ofTier, ...inspected.changes];
    const own = [...changes.map(({ finding }) => finding), ...inspected.credentials.map(({ finding }) => finding)];
    const isNew = makesDatabase(inspected.changes);
    // Without its roles or secrets a compartment's schema cannot be asked about; the setup makes both anyway.
    if (!isConverged(inspected)) return { compartment, findings: own, changes, isNew, token: null, schemaVersion: null };
    const schema = await schemaState({ ...options, compartment, source, root });
    const isAsPlanned = ofTier.length === 0 && schema.findings.length === 0;
    return { compartment, findings: [...own, ...schema.findings], changes, isNew, token: isAsPlanned ? inspected.token : null, schemaVersion: schema.version };
  });
  return { compartments, inspection };
}

/** The tier's differences that count for a compartment: those that its own roles are behind, and for the first one what nobody's are. */
function changesOfTier({ tier, compartments }: Inspection, service: string): Change[] {
  const isInspected = (name: string): boolean => compartments.some((compartment) => compartment.service === name);
  return tier.filter((change) => change.manual !== true && (isInspected(change.service) ? change.service : compartments[0]!.service) === service);
}
