import { resolve } from "node:path";

import type { Client } from "pg";

import type { Catalog } from "../catalog/catalog";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { applyMigration, LOCK_TIMEOUT_MS } from "../migrate/apply";
import { checksumOf, readMigrations, readScripts } from "../migrate/files";
import type { MigrationFile } from "../migrate/files";
import { createHistory } from "../migrate/history";
import type { CompartmentPlan } from "../plan/plan";
import type { FoundContents } from "./observed";
import type { AdoptionProblem, BaselineEntry } from "./plan";
import { matchSchema } from "./match-schema";
import type { SchemaMatch, VersionSnapshot } from "./match-schema";
import { readSchema } from "./schema-snapshot";
import type { SchemaSnapshot } from "./schema-snapshot";
import { withScratchDatabase } from "./scratch-database";
import type { OpenSuperuserSession } from "./session";

/** What the migration history of a service shall say, or why that cannot be told. */
export type Baseline = { readonly entries: readonly BaselineEntry[]; readonly problem: null } | { readonly entries: readonly []; readonly problem: AdoptionProblem };

const NOTHING: Baseline = { entries: [], problem: null };
/** How many differences a message names. */
const DIFFERENCES_SHOWN = 12;

/** What finding a baseline takes. */
export interface BaselineOptions {
  readonly catalog: Catalog;
  /** Folder that the catalog's schema folders are relative to. */
  readonly root: string;
  readonly openSession: OpenSuperuserSession;
  /** Name of the superuser, as the server has it now. */
  readonly superuser: string;
  /** By service: the newest migration whose effect a person vouches for; 0: none. */
  readonly vouched: ReadonlyMap<string, number>;
  readonly progress?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Which of a service's migrations have their effect in its database already. Runs them in a scratch database on the same server, and compares the catalogs
 * after each with those of the live one.
 *
 * @param live a session in the service's database
 * @throws BulkheadError what `readMigrations` and `readScripts` throw
 */
export async function findBaseline(compartment: CompartmentPlan, contents: FoundContents, live: Client, options: BaselineOptions): Promise<Baseline> {
  const { service } = compartment;
  const source = options.catalog.services.find(({ name }) => name === service)?.migrations;
  // A tool of the service's own keeps its own history.
  if (source === undefined || source === null || "command" in source) return NOTHING;
  if (contents.history !== null && contents.history > 0) return NOTHING;
  const files = await readMigrations(resolve(options.root, source.directory));
  const vouched = options.vouched.get(service);
  if (vouched !== undefined) return vouch(service, files, vouched);
  const schema = await readSchema(live);
  if (files.length === 0 || isEmpty(schema)) return NOTHING;
  options.progress?.(`${service}: comparing its schema with what its migrations make`);
  let snapshots: VersionSnapshot[];
  try {
    snapshots = await withScratchDatabase(options, (scratch) => snapshotsOf(scratch, service, files, options));
  } catch (error) {
    if (!(error instanceof BulkheadError) || error.code !== "MIGRATION_FAILED") throw error;
    return unknown(service, `its migrations do not run on an empty database, so what its schema is cannot be told: ${messageOf(error)}`, files.at(-1)!.version);
  }
  return baselineOf(service, files, matchSchema(schema, snapshots));
}

async function baselineOf(service: string, files: readonly MigrationFile[], match: SchemaMatch): Promise<Baseline> {
  if (match.kind === "version") return { entries: await entriesOf(files, match.version), problem: null };
  if (match.kind === "undecided") {
    const last = match.versions.at(-1)!;
    return unknown(service, `its schema is as after migration ${match.versions.join(" and as after ")}, which differ in no catalog; whether the later ones have run cannot be seen`, last);
  }
  const more = match.differences.length - DIFFERENCES_SHOWN;
  const list = match.differences.slice(0, DIFFERENCES_SHOWN).map((difference) => `\n    ${redact(difference)}`).join("");
  return unknown(service, `its schema is as after none of its migrations; it differs from migration ${match.nearest} by:${list}${more > 0 ? `\n    and ${more} more` : ""}`, match.nearest);
}

function unknown(service: string, problem: string, version: number): Baseline {
  return { entries: [], problem: { service, problem, hint: `mend the schema or the migrations; or, where what migration ${version} makes is there all the same, vouch for it: npx bulkhead adopt --baseline ${service}=${version}` } };
}

async function vouch(service: string, files: readonly MigrationFile[], version: number): Promise<Baseline> {
  if (version === 0) return NOTHING;
  if (files.some((file) => file.version === version)) return { entries: await entriesOf(files, version), problem: null };
  const known = files.map((file) => file.version).join(", ");
  return { entries: [], problem: { service, problem: `there is no migration ${version} of it; there is: ${known === "" ? "none" : known}`, hint: `npx bulkhead adopt --baseline ${service}=${files.at(-1)?.version ?? 0}` } };
}

async function entriesOf(files: readonly MigrationFile[], upTo: number): Promise<BaselineEntry[]> {
  return Promise.all(
    files
      .filter(({ version }) => version <= upTo)
      .map(async (file) => {
        const { up } = await readScripts(file);
        const { version, name, checksum } = file;
        return { version, name, checksum, transactional: up.transactional, statements: up.statements.length, statementsChecksum: checksumOf(up.statements.map(({ text }) => text).join(";\n")) };
      }),
  );
}

/** A database without anything but the schemas and extensions that every one has. */
function isEmpty(schema: SchemaSnapshot): boolean {
  return [...schema.keys()].every((thing) => thing === "schema public" || thing.startsWith("extension "));
}

async function snapshotsOf(scratch: Client, service: string, files: readonly MigrationFile[], { progress = () => {}, signal }: BaselineOptions): Promise<VersionSnapshot[]> {
  const { rows } = await scratch.query<{ owner: string }>("SELECT current_user AS owner");
  const session = { client: scratch, database: "scratch", service, owner: rows[0]!.owner, progress, signal };
  await createHistory(scratch, []);
  const snapshots: VersionSnapshot[] = [];
  for (const file of files) {
    signal?.throwIfAborted();
    await applyMigration(session, file, (await readScripts(file)).up, undefined, LOCK_TIMEOUT_MS);
    // A migration ends with all settings of the session reset.
    await scratch.query("SET search_path = ''");
    snapshots.push({ version: file.version, schema: await readSchema(scratch) });
  }
  return snapshots;
}
