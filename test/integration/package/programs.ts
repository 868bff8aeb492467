/**
 * What a project that installed the library does with it, once: every name that others build on. CommonJS and ES modules get hold of them differently; the rest is the same.
 * Prints the outcome as JSON.
 */
const NAMES = ["createPool", "Pool", "parseDatabaseUrl", "DatabaseUrlError", "classifyError", "fingerprintQuery", "DatabaseManager", "ConnectionMonitor", "InMemoryDatabase", "IsolatedEnvironment", "exportToOpenTelemetry", "provision", "migrate", "validate"];

const BODY = `
async function main() {
  const { user, hosts } = parseDatabaseUrl("postgresql://u@db:6432/d");
  let refused;
  try { parseDatabaseUrl("postgresql://u@db:port/d"); } catch (error) { refused = error instanceof DatabaseUrlError && error.code; }
  const pool = createPool({ connectionString: undefined, ...JSON.parse(process.env.POOL) });
  const monitor = new ConnectionMonitor().watch(pool);
  const { rows } = await pool.query("SELECT 1 AS one");
  const error = await pool.query("SELECT * FROM missing").catch((thrown) => classifyError(thrown).class);
  const telemetry = await exportToOpenTelemetry(monitor).catch((thrown) => thrown.code);
  const queries = monitor.getMetrics().totals.queries;
  await pool.end();
  const manager = await new DatabaseManager({ config: { url: process.env.URL } }).open();
  const inSession = await manager.session({ operation: "test" }, async (session) => (await session.query("SELECT current_user AS name")).rows[0].name);
  await manager.close();
  const memory = new InMemoryDatabase();
  await memory.users.create({ email: "a@b" });
  const environment = new IsolatedEnvironment({ service: "auth", source: { AUTH_DATABASE_URL: "own", APIHUB_DATABASE_URL: "other" } });
  console.log(JSON.stringify({
    user, port: hosts[0].port, refused, one: rows[0].one, error, telemetry, queries, inSession, isPool: pool instanceof Pool,
    sameFingerprint: fingerprintQuery("SELECT 1") === fingerprintQuery("select 2 -- two"),
    users: await memory.users.count(), own: environment.get("DATABASE_URL"), names: environment.names().length,
    functions: [provision, migrate, validate].map((value) => typeof value),
  }));
}
main().catch((error) => { console.error(error); process.exitCode = 1; });
`;

export const COMMONJS_PROGRAM = `const { ${NAMES.join(", ")} } = require("@bulkhead/manager");\n${BODY}`;
export const ES_MODULE_PROGRAM = `import { ${NAMES.join(", ")} } from "@bulkhead/manager";\n${BODY}`;

/** What both print. */
export function outcomeFor(username: string): unknown {
  return {
    user: "u", port: 6432, refused: "DATABASE_URL_PORT", one: 1, error: "schema", telemetry: "MONITOR_OPENTELEMETRY_MISSING", queries: 2, inSession: username, isPool: true,
    sameFingerprint: true, users: 1, own: "own", names: 1, functions: ["function", "function", "function"],
  };
}

/** The same in TypeScript, for its types: what is right compiles, and each line under a `@ts-expect-error` does not. */
export const TYPESCRIPT_PROGRAM = `
import { ConfigManager, ConnectionMonitor, DatabaseManager, InMemoryDatabase, IsolatedEnvironment, Pool, classifyError, createPool, exportToOpenTelemetry, fingerprintQuery, migrate, parseDatabaseUrl, planTier, provision, validate } from "@bulkhead/manager";
import type { AppConfig, ErrorClass, MigrateOptions, PoolOptions, ProvisionOptions, ProvisionReport, Session, TierPlan, ValidateOptions, ValidationReport } from "@bulkhead/manager";

export const options: PoolOptions = { host: "localhost", max: 3 };
export const pool: Pool = createPool(options);
export const port: number | undefined = parseDatabaseUrl("postgresql://u@db/d").hosts[0]?.port;
export const errorClass: ErrorClass = classifyError(undefined).class;
export const fingerprint: string = fingerprintQuery("SELECT 1");
export const monitor = new ConnectionMonitor({ slowQueryMs: 5 }).watch(pool);
const instrument = { record: (): void => {}, add: (): void => {}, addCallback: (): void => {}, removeCallback: (): void => {} };
export const stop = exportToOpenTelemetry(monitor, { meterProvider: { getMeter: () => ({ createHistogram: () => instrument, createCounter: () => instrument, createObservableUpDownCounter: () => instrument }) } });
export const manager = new DatabaseManager({ config: { url: "postgresql://u@db/d" } });
export const count = (): Promise<number | undefined> => manager.session({ operation: "count" }, async (session: Session) => (await session.query<{ n: number }>("SELECT 1 AS n")).rows[0]?.n);
export const memory: InMemoryDatabase = new InMemoryDatabase({ rowsMax: 10 });
export const environment = new IsolatedEnvironment({ service: "auth", source: {} });
export const load = (): Promise<AppConfig> => new ConfigManager({ service: "auth", environment }).load();
export const setUp = async (plan: TierPlan, tier: ProvisionOptions, migration: MigrateOptions, proof: ValidateOptions): Promise<[ProvisionReport, ValidationReport]> => {
  await migrate(migration);
  return [await provision(plan, tier), await validate(plan, proof)];
};
export const plan: (typeof planTier) extends (...args: never[]) => TierPlan ? true : false = true;
// @ts-expect-error -- no such option
export const wrongOptions: PoolOptions = { maximum: 3 };
// @ts-expect-error -- an error class that does not exist
export const wrongClass: ErrorClass = "nonsense";
// @ts-expect-error -- columns are known
export const wrongColumn = memory.users.create({ mail: "a@b" });
`;
