import { createContext, loadCatalog, ROOT } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { createOutput } from "../lib/output";
import { planTier } from "../../manager/src/plan/plan-tier";
import { schemaFingerprint } from "../../manager/src/setup/schema";
import { failed, passed, warning } from "./finding";
import type { DoctorProbe, Finding } from "./finding";

const group = "Stack";

export const STACK_CHECKS: readonly DoctorProbe[] = [
  { group, id: "stack-config", title: "Configuration", look: async (stack, signal) => passed(`stack ${stack}, target ${silentContext(stack, signal).config.target}`) },
  { group, id: "catalog", title: "services.ts", look: budgets },
  { group, id: "schemas", title: "Schemas", look: schemas },
  { group, id: "server", title: "Server", look: server },
  { group, id: "secrets", title: "Secrets", look: secrets },
  { group, id: "environment", title: "Environment", look: environment },
];

/** What a check learns it returns; nothing of it goes to the terminal by itself. */
export function silentContext(stack: string, signal: AbortSignal): CommandContext {
  return createContext(stack, createOutput("text", () => {}, () => {}), signal);
}

async function budgets(stack: string, signal: AbortSignal): Promise<Finding> {
  const { target, config } = silentContext(stack, signal);
  const catalog = loadCatalog();
  const plan = planTier(catalog, target.facts(config, catalog));
  const wanted = plan.compartments.reduce((sum, { database }) => sum + database.connectionLimit, 0);
  return passed(`${catalog.services.length} services, ${plan.compartments.length} with a database; their budgets take ${wanted} of ${plan.tier.maxConnections - plan.tier.reservedConnections} connections`);
}

async function schemas(): Promise<Finding> {
  const sources = loadCatalog().services.flatMap(({ migrations }) => (migrations === null ? [] : [migrations]));
  await Promise.all(sources.map((source) => schemaFingerprint(source, ROOT)));
  return passed(`${sources.length} found`);
}

async function server(stack: string, signal: AbortSignal): Promise<Finding> {
  const context = silentContext(stack, signal);
  const { running, reason, version, host, port } = await context.target.status(context);
  return running ? passed(`PostgreSQL${version === undefined ? "" : ` ${version}`} on ${host}:${port}`) : warning(`does not run: ${reason}`, "npm run up");
}

async function secrets(stack: string, signal: AbortSignal): Promise<Finding> {
  const context = silentContext(stack, signal);
  if (!(await context.target.status(context)).running) return warning("not looked at: the server does not run", "npm run up");
  const access = await context.target.openAccess(context);
  const services = loadCatalog().services.filter(({ database }) => database !== null);
  const lost = (await Promise.all(services.map(async ({ name }) => ((await access.secrets.read({ service: name, login: "app" })) === undefined ? [name] : [])))).flat();
  return lost.length === 0 ? passed(`${services.length} services have theirs`) : failed(`missing or not whole: ${lost.join(", ")}`, "npm run up");
}

async function environment(): Promise<Finding> {
  const set = Object.keys(process.env).filter((name) => /^PG[A-Z]+$/.test(name));
  return set.length === 0 ? passed("no PG* variable is set") : warning(`${set.join(", ")} set: Bulkhead ignores them, psql and services do not`, `unset ${set.join(" ")}`);
}
