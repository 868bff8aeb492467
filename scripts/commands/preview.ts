import type { Catalog } from "../../manager/src/catalog/catalog";
import { planTier } from "../../manager/src/plan/plan-tier";
import type { TierPlan } from "../../manager/src/plan/plan";
import { sqlOf } from "../../manager/src/provision/change";
import type { Change } from "../../manager/src/provision/change";
import { clusterChanges } from "../../manager/src/provision/inspect";
import type { ObservedCluster } from "../../manager/src/provision/observed";
import type { StoreKind } from "../../manager/src/stores/store-secret";
import { newCompartmentLine } from "../../manager/src/setup/summary";
import { openStack, runEngine } from "../engine/engine";
import { loadCatalog } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { withStackLock } from "../lib/stack-lock";

/** What a server looks like that does not exist yet. */
const NO_SERVER: ObservedCluster = { roles: [], memberships: [], settings: [], databases: [], compartments: [], bookkeeping: false };

/** What would change inside the database for one service. */
interface DatabasePreview {
  readonly service: string;
  /** The database does not exist yet: one line of text says it all, while JSON lists every statement. */
  readonly isNew: boolean;
  /** Sentences about what is not as declared. */
  readonly findings: readonly string[];
  /** The SQL that `up` would run; a new database's contents follow once it exists, and passwords are never shown. */
  readonly statements: readonly string[];
}

/** Shows what `up` would do: the engine's resources, and beside them what would change inside the database. */
export async function preview(context: CommandContext): Promise<ExitCode> {
  const { stack, config, output } = context;
  const catalog = loadCatalog();
  const plan = planTier(catalog, context.target.facts(config, catalog));
  const { changes, database, stores } = await withStackLock(context, `bulkhead preview of stack ${stack}`, async () => {
    await context.target.start(context);
    const engine = await openStack(context);
    const report = await runEngine(context, "preview", (options) => engine.preview({ ...options, ...(context.target.refresh && { refresh: true }) }));
    return { changes: report.changes, ...(await previewContents(context, catalog, plan)) };
  });
  output.result({ version: 1, stack, target: config.target, ok: true, changes, database, stores }, render(stack, changes, database, plan));
  return EXIT.done;
}

/** What would change in Redis or ClickHouse; the engine's progress tells the same. */
interface StorePreview {
  readonly store: StoreKind;
  readonly findings: readonly string[];
}

async function previewContents(context: CommandContext, catalog: Catalog, plan: TierPlan): Promise<{ database: DatabasePreview[]; stores: StorePreview[] }> {
  const { running } = await context.target.status(context);
  if (!running) return { database: plan.compartments.map((compartment) => newDatabase(compartment.service, clusterChanges(plan, compartment, NO_SERVER))), stores: [] };
  const { operations } = await context.target.openAccess(context);
  const { compartments, stores } = await operations.observe({ catalog, plan, root: context.root, signal: context.signal });
  return { database: compartments.map(({ service, isNew, findings, statements }) => ({ service, isNew, findings, statements })), stores: stores.map(({ kind, findings }) => ({ store: kind, findings })) };
}

function newDatabase(service: string, changes: readonly Change[]): DatabasePreview {
  return { service, isNew: true, findings: changes.map(({ finding }) => finding), statements: changes.map(sqlOf) };
}

function render(stack: string, changes: Readonly<Record<string, number>>, database: readonly DatabasePreview[], { compartments }: TierPlan): string {
  const resources = Object.entries(changes).map(([operation, count]) => `${count} ${operation}`).join(", ");
  const differing = database.filter(({ findings }) => findings.length > 0);
  return [
    `Stack ${stack}, resources: ${resources === "" ? "none" : resources}`,
    "",
    differing.length === 0 ? "Inside the database: nothing would change." : "Inside the database:",
    ...differing.flatMap(({ service, isNew, findings, statements }) => {
      if (isNew) return [`  + ${newCompartmentLine(compartments.find((compartment) => compartment.service === service)!)}`];
      return [`  ${service}`, ...findings.map((finding) => `    ~ ${finding}`), ...statements.map((sql) => `        ${sql}`)];
    }),
    "",
    "Next: npm run up",
  ].join("\n");
}
