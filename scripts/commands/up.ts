import { lastObservation } from "../../components/last-observation";
import type { TierPlan } from "../../manager/src/plan/plan";
import { planTier } from "../../manager/src/plan/plan-tier";
import type { ObserveReport } from "../../manager/src/setup/request";
import { degradations, storeFindings, storesAreReady } from "../../manager/src/stores/degraded";
import type { Degradation } from "../../manager/src/stores/degraded";
import type { EngineReport } from "../engine/engine-events";
import { openStack, runEngine } from "../engine/engine";
import { policyOptions } from "../engine/policies";
import { loadCatalog, openTier } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { withStackLock } from "../lib/stack-lock";
import { table } from "../lib/table";

/** `up --output json`. */
interface UpResult {
  readonly version: 1;
  readonly stack: string;
  readonly target: string;
  readonly ok: boolean;
  readonly changes: Readonly<Record<string, number>>;
  readonly services: readonly { name: string; database: string; ready: boolean; degraded: readonly Degradation[]; schemaVersion: number | null; ms: number }[];
  readonly durationMs: number;
}

/** Converges the stack, then looks at every compartment as it is. */
export async function up(context: CommandContext): Promise<ExitCode> {
  const startedAt = performance.now();
  const { stack, config, target, output } = context;
  // A faulty catalog is found before anything is started.
  const catalog = loadCatalog();
  const plan = planTier(catalog, target.facts(config, catalog));
  const result = await withStackLock(context, `bulkhead up of stack ${stack}`, async (): Promise<UpResult> => {
    await target.start(context);
    const engine = await openStack(context);
    const report = await runEngine(context, "up", (options) => engine.up({ ...options, ...policyOptions(context), ...(target.refresh && { refresh: true }) }));
    const services = await readServices(context, plan, report);
    return { version: 1, stack, target: config.target, ok: services.every(({ ready }) => ready), changes: report.changes, services, durationMs: Math.round(performance.now() - startedAt) };
  });
  output.result(result, renderUp(result));
  return result.ok ? EXIT.done : EXIT.failed;
}

async function readServices(context: CommandContext, plan: TierPlan, { setupMs, changes }: EngineReport): Promise<UpResult["services"]> {
  const isUnchanged = Object.entries(changes).every(([operation, count]) => operation === "same" || count === 0);
  const { compartments, stores } = (isUnchanged ? lastObservation() : undefined) ?? (await lookAgain(context));
  return compartments.map(({ service, token, schemaVersion, ...compartment }, index) => {
    const ofStores = storeFindings(service, stores);
    const ready = token !== null && storesAreReady(service, stores);
    for (const finding of [...compartment.findings, ...ofStores]) context.progress(ready ? `${service}: ${finding}` : `${service} is not ready: ${finding}`);
    return {
      name: service,
      database: plan.compartments[index]!.database.name,
      ready,
      degraded: degradations(service, stores),
      schemaVersion,
      ms: setupMs.get(service) ?? 0,
    };
  });
}

async function lookAgain(context: CommandContext): Promise<ObserveReport> {
  const { access, catalog, plan } = await openTier(context);
  // The program, or the validation after a change, has just logged in with every secret.
  return access.operations.observe({ catalog, plan, root: context.root, probe: false, signal: context.signal });
}

/** What the table says of a service whose database is ready. */
function stateOf(degraded: readonly Degradation[]): string {
  return degraded.length === 0 ? "ready" : `degraded (no ${degraded.map(({ store }) => store).join(", ")})`;
}

function renderUp({ stack, ok, changes, services, durationMs }: UpResult): string {
  const changed = Object.entries(changes).filter(([operation, count]) => operation !== "same" && count > 0);
  const first = services[0]?.name ?? "<service>";
  return [
    table([["SERVICE", "DATABASE", "SCHEMA", "STATE", "CONNECT"], ...services.map(({ name, database, schemaVersion, ready, degraded }) => [name, database, schemaVersion === null ? "-" : String(schemaVersion), ready ? stateOf(degraded) : "NOT READY", `npx bulkhead conn ${name}`])]),
    "",
    changed.length === 0 ? `Nothing to change: stack ${stack} is as declared (${(durationMs / 1000).toFixed(1)} s).` : `Stack ${stack}: ${changed.map(([operation, count]) => `${count} ${operation}`).join(", ")} (${(durationMs / 1000).toFixed(1)} s).`,
    ok ? `Next: npx bulkhead shell ${first}    npm run validate    npm run status    npm run down` : "Next: npm run validate",
  ].join("\n");
}
