import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { MigrationSource } from "../catalog/catalog";
import { BulkheadError } from "../errors/bulkhead-error";
import { migrate, migrationStatus, runMigrationCommand } from "../migrate";
import type { MigrationTarget } from "../migrate";
import type { CompartmentPlan } from "../plan/plan";
import { clientConfig } from "../postgres/connect";
import type { SecretStore } from "../secrets/secret";

/** What the schema of one compartment is made from and with. */
export interface SchemaContext {
  readonly compartment: CompartmentPlan;
  readonly source: MigrationSource;
  /** Folder that the source's paths are relative to. */
  readonly root: string;
  readonly secrets: SecretStore;
  readonly progress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** The state of a compartment's schema. */
export interface SchemaState {
  /** Number of the newest applied migration; null for a service that brings its own tool, which keeps its own history. */
  readonly version: number | null;
  /** What is to be done or mended, a sentence each; empty when the schema is as its files say. */
  readonly findings: readonly string[];
}

/** A session of the service's migrator, with the secret that it would use itself. */
async function migratorTarget({ compartment, secrets, progress, signal }: SchemaContext): Promise<MigrationTarget & { url: string }> {
  const { service, roles } = compartment;
  const secret = await secrets.read({ service, login: "migrator" });
  if (secret === undefined) throw new BulkheadError("SECRET_MISSING", `the migrator secret of ${service} is missing or not whole`, { hint: "npx bulkhead provision (it makes a new one)" });
  return { client: clientConfig(secret, `bulkhead migrate ${service}`), url: secret.url, service, owner: roles.owner, ...(progress && { progress }), ...(signal && { signal }) };
}

/** Brings the schema up to date. @returns whether anything was applied, and the version */
export async function migrateCompartment(context: SchemaContext): Promise<{ changed: boolean; version: number | null }> {
  const { source, root, compartment } = context;
  const target = await migratorTarget(context);
  if ("command" in source) {
    await runMigrationCommand({ ...target, command: [...source.command], cwd: resolve(root, source.cwd ?? "."), ...(source.timeoutMs !== undefined && { timeoutMs: source.timeoutMs }) });
    return { changed: true, version: null };
  }
  const result = await migrate({ ...target, directory: resolve(root, source.directory), readers: [compartment.roles.app, compartment.roles.readonly] });
  return { changed: result.applied.length > 0, version: result.schemaVersion };
}

/** Compares the schema with its files; changes nothing. */
export async function schemaState(context: SchemaContext): Promise<SchemaState> {
  const { source, root } = context;
  if ("command" in source) return { version: null, findings: [] };
  const { schemaVersion, migrations, invalidIndexes } = await migrationStatus({ ...(await migratorTarget(context)), directory: resolve(root, source.directory) });
  return {
    version: schemaVersion,
    findings: [
      ...migrations.filter(({ state }) => state !== "applied").map(({ name, state, version, detail }) => `migration ${String(version).padStart(3, "0")}_${name} is ${state}${detail === null ? "" : `: ${detail}`}`),
      ...invalidIndexes.map((index) => `index ${index} is invalid`),
    ],
  };
}

/** Changes with the files that the schema is made from: part of the anchor's input, so that a new migration is a change of the stack. */
export async function schemaFingerprint(source: MigrationSource, root: string): Promise<string> {
  const hash = createHash("sha256");
  if ("command" in source) return hash.update(JSON.stringify(source)).digest("hex");
  const directory = resolve(root, source.directory);
  let names: string[];
  try {
    names = (await readdir(directory)).filter((name) => name.endsWith(".sql")).sort();
  } catch (error) {
    throw new BulkheadError("SCHEMA_FOLDER_MISSING", `the schema folder ${source.directory} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, { hint: `mkdir -p ${source.directory} && npx bulkhead migrate create <service> initial_schema`, cause: error });
  }
  const contents = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  // A checkout with CRLF line ends holds the same migrations.
  names.forEach((name, index) => hash.update(`${name}\0${contents[index]!.replaceAll("\r\n", "\n")}\0`));
  return hash.digest("hex");
}
