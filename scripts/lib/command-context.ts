import { dirname } from "node:path";

import { loadTarget } from "../../components/targets";
import type { Target, TierAccess, TierContext } from "../../components/tier";
import type { Catalog } from "../../manager/src/catalog/catalog";
import { planTier } from "../../manager/src/plan/plan-tier";
import type { TierPlan } from "../../manager/src/plan/plan";
import type { Output } from "./output";
import { readStackConfig } from "./stack-file";

/** What a command that works on a stack is given. */
export interface CommandContext extends TierContext {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly target: Target;
}

/** Root of the checkout that this command line belongs to. */
export const ROOT = dirname(dirname(__dirname));

/**
 * Reads the stack's file and finds its target; touches nothing else.
 *
 * @throws BulkheadError `STACK_UNKNOWN`, `STACK_FILE_INVALID`, `CONFIG_INVALID`, `TARGET_UNKNOWN`
 */
export function createContext(stack: string, output: Output, signal: AbortSignal): CommandContext {
  const config = readStackConfig(ROOT, stack);
  return { stack, root: ROOT, config, target: loadTarget(config.target), catalog: loadCatalog, output, progress: (line) => output.progress(line), signal };
}

/** The catalog of services.ts. Loaded by the command that needs it, so that `doctor` can report a broken one. */
export function loadCatalog(): Catalog {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript
  return (require("../../services") as typeof import("../../services")).default;
}

/** A running tier with its catalog and plan: what most commands need. */
export interface LiveTier {
  readonly access: TierAccess;
  readonly catalog: Catalog;
  readonly plan: TierPlan;
}

/** @throws BulkheadError `TIER_NOT_RUNNING`, `CATALOG_INVALID`, `BUDGET_EXCEEDED` */
export async function openTier(context: CommandContext): Promise<LiveTier> {
  const catalog = loadCatalog();
  const plan = planTier(catalog, context.target.facts(context.config, catalog));
  return { access: await context.target.openAccess(context), catalog, plan };
}
