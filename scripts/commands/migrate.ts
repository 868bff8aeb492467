import { relative, resolve } from "node:path";

import { createMigration, migrationStatus, rollbackMigration } from "../../manager/src/migrate";
import type { MigrationTarget } from "../../manager/src/migrate";
import { clientConfig } from "../../manager/src/postgres/connect";
import { migrateCompartment } from "../../manager/src/setup/schema";
import { loadCatalog, openTier } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { readLogin, requireCompartment } from "../lib/login";
import { table } from "../lib/table";
import { UsageError } from "../lib/usage-error";

/** Writes the two files of a service's next migration. */
export async function create({ root, output }: CommandContext, _options: object, service: string, name: string): Promise<ExitCode> {
  const { version, path, rollbackPath } = await createMigration({ directory: directoryOf(root, service), name });
  const files = [path, rollbackPath].map((file) => relative(root, file));
  output.result({ version: 1, service, migration: version, files }, `${files.join("\n")}\nNext: write both, then npx bulkhead migrate up ${service}`);
  return EXIT.done;
}

/** Applies a service's pending migrations, as its migrator. */
export async function up(context: CommandContext, _options: object, service: string): Promise<ExitCode> {
  requireCompartment(service);
  const { access, plan } = await openTier(context);
  const compartment = plan.compartments.find((candidate) => candidate.service === service)!;
  const { changed, version } = await migrateCompartment({ compartment, source: sourceOf(service), root: context.root, secrets: access.secrets, progress: context.progress, signal: context.signal });
  context.output.result({ version: 1, service, changed, schemaVersion: version }, changed ? `${service} is at version ${version ?? "that its own tool keeps"}.` : `Nothing to apply: ${service} is at version ${version}.`);
  return EXIT.done;
}

/** Shows each migration of a service and what is wrong; exit code 3 when something is pending or wrong. */
export async function status(context: CommandContext, _options: object, service: string): Promise<ExitCode> {
  const directory = directoryOf(context.root, service);
  const { schemaVersion, migrations, invalidIndexes, ok } = await migrationStatus({ ...(await migratorOf(context, service)), directory });
  context.output.result(
    { version: 1, service, ok, schemaVersion, migrations, invalidIndexes },
    [
      table([["NUMBER", "NAME", "STATE", "APPLIED"], ...migrations.map(({ version, name, state, appliedAt }) => [String(version).padStart(3, "0"), name, state, appliedAt?.toISOString() ?? "-"])]),
      ...migrations.flatMap(({ detail }) => (detail === null ? [] : [`  ${detail}`])),
      ...invalidIndexes.map((index) => `  index ${index} is invalid: DROP INDEX ${index}; then make it again`),
    ].join("\n"),
  );
  return ok ? EXIT.done : EXIT.checkFellShort;
}

/** Undoes a service's newest migration, or all above `to`. */
export async function rollback(context: CommandContext, { to }: { to?: string }, service: string): Promise<ExitCode> {
  if (to !== undefined && !/^\d{1,9}$/.test(to)) throw new UsageError("USAGE", `--to ${JSON.stringify(to)} is no number of a migration`, { hint: `npx bulkhead migrate status ${service}` });
  const directory = directoryOf(context.root, service);
  const { rolledBack, schemaVersion } = await rollbackMigration({ ...(await migratorOf(context, service)), directory, ...(to !== undefined && { to: Number(to) }) });
  context.output.result({ version: 1, service, rolledBack, schemaVersion }, rolledBack.length === 0 ? "Nothing to roll back." : `Rolled back ${rolledBack.map(({ version, name }) => `${String(version).padStart(3, "0")}_${name}`).join(", ")}; ${service} is at version ${schemaVersion}. The next up applies them again.`);
  return EXIT.done;
}

function sourceOf(service: string): NonNullable<ReturnType<typeof loadCatalog>["services"][number]["migrations"]> {
  requireCompartment(service);
  return loadCatalog().services.find(({ name }) => name === service)!.migrations!;
}

function directoryOf(root: string, service: string): string {
  const source = sourceOf(service);
  if ("command" in source) throw new UsageError("MIGRATIONS_BY_OWN_TOOL", `service ${service} brings its own migration tool: ${source.command.join(" ")}`, { hint: `npx bulkhead migrate up ${service} runs it; the rest is the tool's own` });
  return resolve(root, source.directory);
}

async function migratorOf(context: CommandContext, service: string): Promise<MigrationTarget> {
  const secret = await readLogin(context, service, "migrator");
  const { plan } = await openTier(context);
  const { owner } = plan.compartments.find((candidate) => candidate.service === service)!.roles;
  return { client: clientConfig(secret, `bulkhead migrate ${service}`), service, owner, progress: context.progress, signal: context.signal };
}
