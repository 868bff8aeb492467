import { randomUUID } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";

import type { Catalog } from "../catalog/catalog";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { TierPlan } from "../plan/plan";
import type { StoreReport } from "../stores/store";
import type { ValidationReport } from "../validate";
import { schemaFingerprint } from "./schema";

/** What is asked of a tier: to look, to make one compartment as planned, or to prove from the inside that all is watertight. */
export type SetupOperation =
  | { readonly kind: "observe"; readonly probe: boolean }
  | { readonly kind: "setUp"; readonly service: string; readonly token: string }
  | { readonly kind: "validate"; readonly services: readonly string[] | null };

/** An operation with all that it needs to know, as plain data without a secret: it can be run here or sent to where the database is. */
export interface SetupRequest {
  readonly version: 1;
  /** Tells the lines of this request's report from those of any other. */
  readonly id: string;
  readonly operation: SetupOperation;
  readonly catalog: Catalog;
  readonly plan: TierPlan;
  /** Fingerprint of the schema files by service, as they are in the checkout; whoever runs the request must have the same. */
  readonly schemas: Readonly<Record<string, string>>;
}

/** One compartment as it really is. */
export interface CompartmentReport {
  readonly service: string;
  /** What `up` would change, a sentence each. Empty: as planned. */
  readonly findings: readonly string[];
  /** Its database does not exist, so `up` makes it from nothing. */
  readonly isNew: boolean;
  /** The SQL that `up` would run; of a new database only what can be known before it exists. Passwords are never in it. */
  readonly statements: readonly string[];
  /** The token of the last setup if nothing differs, else null: whoever sees null has work to do. */
  readonly token: string | null;
  /** Number of the newest applied migration; null where it is not known. */
  readonly schemaVersion: number | null;
}

/** How plan, secrets and schema files compare with the tier. */
export interface ObserveReport {
  readonly version: 1;
  /** In the order of the plan. */
  readonly compartments: readonly CompartmentReport[];
  /** Compartments on the server whose service has left the catalog. */
  readonly leftBehind: readonly { readonly service: string; readonly database: string }[];
  /** Differences of the tier that only a superuser can mend, a sentence each. */
  readonly manual: readonly string[];
  /** What the tier has beside its Postgres and could be looked at from there. */
  readonly stores: readonly StoreReport[];
}

/** What a setup made. */
export interface SetUpReport {
  readonly version: 1;
  /** Number of the newest applied migration; null for a service that brings its own tool. */
  readonly schemaVersion: number | null;
}

/** What came of a request, by its kind. */
export type SetupReport =
  | { readonly kind: "observe"; readonly report: ObserveReport }
  | { readonly kind: "setUp"; readonly report: SetUpReport }
  | { readonly kind: "validate"; readonly report: ValidationReport };

/** A request with the fingerprints of the schema files that the operation is about. */
export async function createRequest(operation: SetupOperation, { catalog, plan, root }: { readonly catalog: Catalog; readonly plan: TierPlan; readonly root: string }): Promise<SetupRequest> {
  return { version: 1, id: randomUUID(), operation, catalog, plan, schemas: await schemaFingerprints(catalog, servicesOf(operation), root) };
}

/**
 * Compares the schema files that are here with those that the request was made from.
 *
 * @throws BulkheadError `SETUP_IMAGE_STALE`
 */
export async function checkSchemas({ catalog, schemas, operation }: SetupRequest, root: string): Promise<void> {
  const own = await schemaFingerprints(catalog, servicesOf(operation), root).catch((error: unknown) => {
    throw stale(messageOf(error), error);
  });
  const differing = Object.keys({ ...own, ...schemas }).filter((service) => own[service] !== schemas[service]);
  if (differing.length > 0) throw stale(`it holds other migrations than the checkout for ${differing.join(", ")}`);
}

function stale(why: string, cause?: unknown): BulkheadError {
  return new BulkheadError("SETUP_IMAGE_STALE", `the image of the setup job is not from this checkout: ${why}`, {
    hint: "build and push it again: docker build -f components/gcp/setup-job/Dockerfile -t <image> . && docker push <image>, then set its digest: pulumi config set --path bulkhead:reach.image <image>@<digest>",
    cause,
  });
}

function servicesOf(operation: SetupOperation): readonly string[] | null {
  if (operation.kind === "setUp") return [operation.service];
  return operation.kind === "validate" ? operation.services : null;
}

/** Fingerprints of the schema files by service. `services` null: of all that have a database. */
export async function schemaFingerprints(catalog: Catalog, services: readonly string[] | null, root: string): Promise<Record<string, string>> {
  const chosen = catalog.services.filter(({ name, migrations }) => migrations !== null && (services === null || services.includes(name)));
  return Object.fromEntries(await Promise.all(chosen.map(async ({ name, migrations }) => [name, await schemaFingerprint(migrations!, root)] as const)));
}

/** A request, or whatever carries one, as text for an environment variable: gzip in base64, since the plan of many compartments repeats itself. */
export function packJson(value: unknown): string {
  return gzipSync(JSON.stringify(value)).toString("base64");
}

/** No text that is unpacked here comes near this size. Unit: bytes. */
const UNPACKED_MAX_BYTES = 32 * 1024 * 1024;

/** @throws BulkheadError `SETUP_DATA_BROKEN` when the text is not what `packJson` made */
export function unpackJson(text: string): unknown {
  try {
    return JSON.parse(gunzipSync(Buffer.from(text, "base64"), { maxOutputLength: UNPACKED_MAX_BYTES }).toString("utf8"));
  } catch (error) {
    throw new BulkheadError("SETUP_DATA_BROKEN", `a packed request or report cannot be read: ${messageOf(error)}`, { hint: "run the command again", cause: error });
  }
}
