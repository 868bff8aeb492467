import { systemClock } from "../errors";
import type { Clock } from "../errors";
import { connectionAttempts, detectTarget, isSocketHost, sslModeOf } from "../url";
import type { DatabaseUrl, DeploymentTarget } from "../url";
import { PostgresConnection, SOURCE_NAMES } from "./app-config";
import type { AppConfig, MemoryConnection, SourceName } from "./app-config";
import { ConfigError } from "./config-error";
import { readConnectionUrl, withoutStop } from "./connection-secret";
import { explanationText } from "./explain";
import type { ExplainedSource } from "./explain";
import { IsolatedEnvironment } from "./isolated-environment";
import { passwordFromSecret } from "./password";
import { capacityOf, readPoolSize } from "./pool-size";
import { PROFILES, readProfile } from "./profile";
import type { Profile } from "./profile";
import { importModule } from "./secret-stores";
import type { ModuleLoader } from "./secret-stores";
import { Settings } from "./settings";
import { SOURCES } from "./sources";
import { WHOLE_NUMBERS } from "./variables";
import type { ConnectionVariable } from "./variables";

export interface ConfigManagerOptions {
  readonly service: string;
  /** Default: the service's view of `process.env`. */
  readonly environment?: IsolatedEnvironment;
  /** Whether the service may run on memory where no database is configured: `never` (default), `outside-production`, or `always`, which in production is a warning. A database that is configured and wrong is an error in each case. */
  readonly memoryFallback?: "never" | "outside-production" | "always";
  /** The login's `CONNECTION LIMIT`: `connections` of the service in the catalog. Default: not checked here; `checkConnectionBudget` asks the server. */
  readonly connectionLimit?: number;
  /** Instances of the service that run at once, at most. Default 1. */
  readonly instancesMax?: number;
  /** Where the process runs. Default: found out by `detectTarget`. */
  readonly target?: DeploymentTarget;
  /** Loads the cloud SDKs, which are optional peers. Default: `import()`. */
  readonly loadModule?: ModuleLoader;
  readonly clock?: Clock;
}

/** Finds a service's configuration, checks it as a whole, and tells where every value came from. */
export class ConfigManager {
  readonly #options: ConfigManagerOptions;
  readonly #environment: IsolatedEnvironment;
  #explanation: { readonly settings: Settings; readonly sources: readonly ExplainedSource[]; readonly warnings: readonly string[] } | undefined;

  constructor(options: ConfigManagerOptions) {
    this.#options = options;
    this.#environment = options.environment ?? new IsolatedEnvironment({ service: options.service });
  }

  /**
   * Reads and checks everything; each call starts anew, also with the secret stores.
   *
   * @throws ConfigError naming every problem
   */
  async load(): Promise<AppConfig> {
    const { service, instancesMax = 1, connectionLimit, clock = systemClock } = this.#options;
    const settings = new Settings(this.#environment);
    const target = settings.note("target", this.#options.target ?? detectTarget(this.#environment.toVariables()), this.#options.target === undefined ? "found out" : "option");
    const profile = readProfile(settings, target);
    const warnings: string[] = [];
    const sources: ExplainedSource[] = [];
    this.#explanation = { settings, sources, warnings };

    const database = await this.#findDatabase(settings, profile, sources, warnings, clock);
    const readReplica = readReplicaOf(settings, profile, database, warnings);
    const pool = readPoolSize(settings, { connectionLimit, instancesMax, capacity: capacityOf(settings) });
    const acquireTimeoutMs = settings.wholeNumber("pool.acquireTimeoutSeconds", WHOLE_NUMBERS.connectionTimeoutSeconds).value * 1_000;
    const { connectTimeoutMs, retries } = PROFILES[profile];
    const config: Omit<AppConfig, "database"> & { database: AppConfig["database"] | undefined } = {
      service,
      profile,
      target,
      serverless: settings.text("K_SERVICE") !== undefined || settings.text("AWS_LAMBDA_FUNCTION_NAME") !== undefined,
      database,
      readReplica,
      readReplicaLagMaxMs: settings.wholeNumber("readReplicaLagMaxMs", WHOLE_NUMBERS.readReplicaMaxLagMs).value,
      pool: Object.freeze({ ...pool, instancesMax, acquireTimeoutMs }),
      connect: Object.freeze({
        timeoutMs: settings.note("connect.timeoutMs", Math.min(connectTimeoutMs, acquireTimeoutMs), `profile ${profile}`),
        retries: settings.note("connect.retries", retries, `profile ${profile}`),
      }),
      monitoring: Object.freeze({
        enabled: settings.boolean("monitoring.enabled", "MONITORING_ENABLED", true),
        slowQueryThresholdMs: settings.wholeNumber("monitoring.slowQueryThresholdMs", WHOLE_NUMBERS.slowQueryThresholdMs).value,
      }),
      warnings: Object.freeze(warnings),
    };
    if (settings.problems.length > 0 || config.database === undefined) throw new ConfigError(service, settings.problems);
    return Object.freeze(config as AppConfig);
  }

  /** Which source won and why the others did not, and every value with where it came from, as a table. No secret is in it. Tells of the last `load()`, also one that failed. */
  explain(): string {
    if (this.#explanation === undefined) return `${this.#options.service}: not loaded yet; call load() first`;
    const { settings, sources, warnings } = this.#explanation;
    return explanationText({ service: this.#options.service, sources, settings: settings.explained, problems: settings.problems, warnings });
  }

  async #findDatabase(settings: Settings, profile: Profile, sources: ExplainedSource[], warnings: string[], clock: Clock): Promise<PostgresConnection | MemoryConnection | undefined> {
    for (const [name, read] of SOURCES) {
      const answer = await read({ settings, loadModule: this.#options.loadModule ?? importModule, clock });
      sources.push({ name, state: answer.state === "found" ? "won" : answer.state, why: answer.why });
      if (answer.state === "absent") continue;
      for (const later of SOURCE_NAMES.slice(SOURCE_NAMES.indexOf(name) + 1)) sources.push({ name: later, state: "not asked", why: `${name} comes first` });
      if (answer.state === "invalid") return undefined;
      const { connection, secret } = answer;
      warnings.push(...connection.warnings.map((warning) => `${name}: ${warning}`));
      checkUsable(settings, profile, CONFIGURED_BY[name], connection.parsed);
      settings.note("database", `${connection.parsed.user}@${connection.parsed.hosts.map(({ host, port }) => `${host}:${port}`).join(",")}/${connection.parsed.database}`, name);
      return new PostgresConnection({ ...connection, source: name, password: secret === undefined ? undefined : passwordFromSecret(secret, connection) });
    }
    return this.#memory(settings, profile, sources, warnings);
  }

  #memory(settings: Settings, profile: Profile, sources: ExplainedSource[], warnings: string[]): MemoryConnection | undefined {
    const { memoryFallback = "never" } = this.#options;
    const allowed = memoryFallback === "always" || (memoryFallback === "outside-production" && profile !== "production");
    if (!allowed) {
      const why = memoryFallback === "never" ? "the service does not allow it" : "the profile is production";
      sources.push({ name: "memory", state: "refused", why });
      settings.problem("DATABASE_URL", "is not set, and neither is any other source of a connection", "set DATABASE_URL, AWS_DB_SECRET, GCP_DB_SECRET or DB_SECRET_FILE; locally: npm run up, then npx bulkhead env " + this.#options.service);
      return undefined;
    }
    const reason = `no database is configured for ${this.#options.service}, so its data live in memory and end with the process`;
    sources.push({ name: "memory", state: "won", why: `nothing else is configured, and memoryFallback is ${memoryFallback}` });
    warnings.push(profile === "production" ? `IN PRODUCTION: ${reason}` : reason);
    settings.note("database", "memory", "memory");
    return Object.freeze({ kind: "memory", source: "memory", reason });
  }
}

/** The variable to name in a problem of a source's connection. */
const CONFIGURED_BY = {
  "database-url": "DATABASE_URL",
  "aws-secrets-manager": "AWS_DB_SECRET",
  "gcp-secret-manager": "GCP_DB_SECRET",
  "secret-file": "DB_SECRET_FILE",
  "aws-variables": "AWS_DB_HOST",
} as const satisfies Record<Exclude<SourceName, "memory">, string>;

function readReplicaOf(settings: Settings, profile: Profile, primary: AppConfig["database"] | undefined, warnings: string[]): PostgresConnection | undefined {
  const url = settings.environment.get("READ_REPLICA_URL");
  if (url === undefined) return undefined;
  const read = readConnectionUrl(url);
  if (!read.ok) {
    settings.problem("READ_REPLICA_URL", withoutStop(read.problem), read.fix);
    return undefined;
  }
  if (primary?.kind === "memory") settings.problem("READ_REPLICA_URL", "is set, and no primary is", "set DATABASE_URL as well, or unset it");
  checkUsable(settings, profile, "READ_REPLICA_URL", read.parsed);
  warnings.push(...read.warnings.map((warning) => `READ_REPLICA_URL: ${warning}`));
  const replica = new PostgresConnection({ ...read, source: "database-url", password: undefined });
  settings.note("readReplica", `${replica.user}@${replica.host}:${replica.port}/${replica.database}`, "READ_REPLICA_URL");
  if (primary?.kind === "postgres" && primary.host === replica.host && primary.port === replica.port) warnings.push("READ_REPLICA_URL: names the primary itself, so reads are no relief to it.");
  return replica;
}

/** What is only known once the whole connection is: files that it names, and whether production would send passwords and data in the clear. */
function checkUsable(settings: Settings, profile: Profile, variable: ConnectionVariable, url: DatabaseUrl): void {
  try {
    connectionAttempts(url);
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    settings.problem(variable, withoutStop(message), hint ?? "correct the connection");
  }
  const inTheClear = url.params["sslmode"] === undefined ? url.params["sslrootcert"] === undefined : ["disable", "allow", "prefer"].includes(sslModeOf(url.params));
  const remote = url.hosts.some(({ host }) => !isSocketHost(host) && !["localhost", "::1"].includes(host) && !host.startsWith("127."));
  if (profile === "production" && remote && inTheClear) settings.problem(variable, "does not insist on encryption, in production", "add sslmode=verify-full and sslrootcert=<file of the authority> (or system)");
}

