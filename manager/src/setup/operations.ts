import { isIP } from "node:net";
import { lookup } from "node:dns/promises";

import type { Catalog, MigrationSource } from "../catalog/catalog";
import { BulkheadError } from "../errors/bulkhead-error";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { sqlOf } from "../provision/change";
import type { ProvisionOptions } from "../provision/options";
import type { Endpoint } from "../secrets/secret";
import { validate } from "../validate";
import type { ValidationReport } from "../validate";
import { observeTier } from "./observe-tier";
import { observeStores } from "../stores/observe-stores";
import type { Store } from "../stores/store";
import type { ObserveReport, SetUpReport, SetupReport, SetupRequest } from "./request";
import { setUpCompartment } from "./set-up-compartment";

/** What every operation is told. */
export interface OperationContext {
  readonly catalog: Catalog;
  readonly plan: TierPlan;
  /** Folder that the catalog's schema folders are relative to. */
  readonly root: string;
  /** A line for a person, as things happen. Default: nobody listens. */
  readonly progress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What can be done with a tier, wherever it is done: by sessions from here, or by a job beside the database. Plan and reports are the same data. */
export interface TierOperations {
  /** Holds plan, secrets and schema files against the tier; changes nothing. `probe`: log in with every secret. Default: true. */
  observe(context: OperationContext & { readonly probe?: boolean }): Promise<ObserveReport>;
  /** Makes one compartment as planned and notes the token. Safe to run again after a crash at any moment. */
  setUp(context: OperationContext & { readonly service: string; readonly token: string }): Promise<SetUpReport>;
  /** Runs every check of the conformance suite. Default: for all services. */
  validate(context: OperationContext & { readonly services?: readonly string[] }): Promise<ValidationReport>;
}

/** How sessions of this process reach a tier. */
export interface SessionOperationsOptions extends Pick<ProvisionOptions, "openSession" | "secrets" | "endpoint"> {
  /** What there is beside the database and can be reached from here. */
  readonly stores: readonly Store[];
}

/** The operations by database sessions of this process. */
export function sessionOperations({ openSession, secrets, endpoint, stores }: SessionOperationsOptions): TierOperations {
  const access = { openSession, secrets, endpoint };
  return {
    async observe({ catalog, plan, root, ...options }) {
      const [{ compartments, inspection }, storeReports] = await Promise.all([observeTier(catalog, plan, root, { ...access, ...options }), observeStores(stores, options.signal)]);
      return {
        version: 1,
        compartments: compartments.map(({ compartment, findings, changes, isNew, token, schemaVersion }) => ({
          service: compartment.service,
          findings,
          isNew,
          statements: changes.map(sqlOf),
          token,
          schemaVersion,
        })),
        leftBehind: inspection.leftBehind.map(({ service, database }) => ({ service, database })),
        manual: inspection.tier.filter(({ manual }) => manual).map(({ finding }) => finding),
        stores: storeReports,
      };
    },
    async setUp({ catalog, plan, service, ...options }) {
      const { compartment, source } = partsOf(service, catalog, plan);
      if ("command" in source) await requireDirectRoute(service, endpoint);
      const { schemaVersion } = await setUpCompartment({ ...access, ...options, plan, compartment, source });
      return { version: 1, schemaVersion };
    },
    validate: ({ plan, ...options }) => validate(plan, { ...access, stores, ...options }),
  };
}

/** Runs a request with the operations at hand. */
export async function runRequest({ operation, catalog, plan }: SetupRequest, operations: TierOperations, context: Pick<OperationContext, "root" | "progress" | "signal">): Promise<SetupReport> {
  const scope = { catalog, plan, ...context };
  switch (operation.kind) {
    case "observe":
      return { kind: "observe", report: await operations.observe({ ...scope, probe: operation.probe }) };
    case "setUp":
      return { kind: "setUp", report: await operations.setUp({ ...scope, service: operation.service, token: operation.token }) };
    case "validate":
      return { kind: "validate", report: await operations.validate({ ...scope, ...(operation.services !== null && { services: operation.services }) }) };
  }
}

function partsOf(service: string, catalog: Catalog, plan: TierPlan): { compartment: CompartmentPlan; source: MigrationSource } {
  const compartment = plan.compartments.find((candidate) => candidate.service === service);
  const source = catalog.services.find(({ name }) => name === service)?.migrations;
  if (compartment === undefined || source === undefined || source === null) throw new BulkheadError("SERVICE_UNKNOWN", `no service ${JSON.stringify(service)} with a database is in the catalog`, { hint: "see the names in services.ts" });
  return { compartment, source };
}

/** A service's own tool connects with the URL of its secret: it knows the host's name only, and no other way round. */
async function requireDirectRoute(service: string, { host, reach }: Endpoint): Promise<void> {
  if (reach === undefined) return;
  const address = isIP(host) !== 0 ? host : await lookup(host).then(({ address }) => address, () => undefined);
  if (address === reach.host) return;
  throw new BulkheadError("MIGRATION_TOOL_UNREACHABLE", `the migration tool of ${service} connects to ${host} by itself, and that name does not lead to the database from this machine`, {
    hint: "let the setup job run it, beside the database: pulumi config set --path bulkhead:reach.transport job (its image must hold the tool)",
  });
}
