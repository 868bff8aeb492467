import { inspect } from "node:util";

import { BulkheadError } from "../errors/bulkhead-error";
import type { Catalog, Service, ServiceDefinition } from "./catalog";
import { databaseNameProblem, roleNames, serviceNameProblem } from "./names";
import { healthPathProblem, imageProblem, routeProblem } from "./web";

/** Twice the manager's default pool of 20: during a rollout the old and the new instance hold a pool each. */
const DEFAULT_CONNECTIONS = 40;

const DEFAULT_HEALTH_PATH = "/health";

/** Google's names for everybody and for everybody who has an account. */
const PUBLIC_MEMBERS = new Set(["allUsers", "allAuthenticatedUsers"]);

/** A catalog cannot be used as it is: `problems` lists everything that is wrong with it. */
export class CatalogError extends BulkheadError {
  /** One sentence a problem, each beginning with the service it is about. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super("CATALOG_INVALID", `the service catalog has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`, {
      hint: "mend services.ts, then run the command again; nothing was changed",
    });
    this.problems = problems;
  }
}

/**
 * The catalog of `services.ts`, with defaults filled in and checked as a whole.
 *
 * @throws CatalogError naming every problem at once: bad or reserved names, names over 63 bytes, ports and databases used twice,
 *   role names that collide, budgets that are no positive whole number, unknown services in `calls`, images and paths that are none.
 */
export function defineServices<const T extends Readonly<Record<string, ServiceDefinition>>>(definitions: T): Catalog {
  const problems: string[] = [];
  const services = Object.entries(definitions).map(([name, definition]) => normalise(name, definition, problems));
  problems.push(...collisions(services));
  for (const service of services) {
    for (const callee of service.calls) {
      if (PUBLIC_MEMBERS.has(callee)) problems.push(`${service.name}: calls ${quoted(callee)}, which means everybody on the internet; name services of the catalog. What people may reach has a \`path\``);
      else if (!Object.hasOwn(definitions, callee)) problems.push(`${service.name}: calls ${quoted(callee)}, which is not in the catalog`);
    }
  }
  if (problems.length > 0) throw new CatalogError(problems);
  return deepFreeze({ services });
}

function normalise(name: string, definition: ServiceDefinition, problems: string[]): Service {
  const fail = (text: string): void => void problems.push(`${quoted(name)}: ${text}`);

  const nameProblem = serviceNameProblem(name);
  if (nameProblem !== undefined) fail(`the name ${nameProblem}`);

  // A catalog may come from plain JavaScript or a cast: what the types promise is checked here once more.
  if (typeof definition !== "object" || definition === null) {
    fail("must be an object such as {port: 3000}");
    return { name, port: 0, database: null, connections: 0, migrations: null, urlParameters: {}, calls: [], image: null, redis: false, clickhouse: false, path: null, healthPath: DEFAULT_HEALTH_PATH };
  }
  for (const key of Object.keys(definition)) if (!KNOWN_KEYS.has(key)) fail(`has no setting ${quoted(key)}; known are ${[...KNOWN_KEYS].join(", ")}`);

  const { port, connections = DEFAULT_CONNECTIONS, migrations, urlParameters = {}, calls = [] } = definition;
  if (!isWholeNumber(port, 1, 65_535)) fail(`port ${quoted(port)} is no whole number from 1 to 65535`);

  const database = definition.database === undefined ? `${name.replaceAll("-", "_")}_db` : definition.database;
  if (database !== null) {
    const databaseProblem = typeof database === "string" ? databaseNameProblem(database) : "must be a string, or null for none";
    if (databaseProblem !== undefined) fail(`database ${quoted(database)} ${databaseProblem}`);
    if (!isWholeNumber(connections, 1, 10_000)) fail(`connections ${quoted(connections)} is no whole number from 1 to 10000`);
  } else if (definition.connections !== undefined || migrations !== undefined) {
    fail("has no database (database: null), so connections and migrations have no meaning");
  }
  const { image, redis = false, clickhouse = false, path, healthPath = DEFAULT_HEALTH_PATH } = definition;
  for (const [key, value] of Object.entries({ redis, clickhouse })) {
    if (typeof value !== "boolean") fail(`${key} ${quoted(value)} must be true or false`);
    else if (value && database === null) fail(`has no database (database: null), which means that it reaches no data at all, so it cannot have ${key}`);
  }
  checkText("image", image, imageProblem, fail);
  checkText("path", path, routeProblem, fail);
  checkText("healthPath", healthPath, healthPathProblem, fail);
  if (migrations !== undefined) checkMigrations(migrations, fail);
  if (!isStringRecord(urlParameters)) fail("urlParameters must be an object of strings");
  if (!Array.isArray(calls) || calls.some((callee) => typeof callee !== "string")) fail("calls must be a list of service names");

  return {
    name,
    port,
    database,
    connections: database === null ? 0 : connections,
    migrations: database === null ? null : (migrations ?? { directory: `schemas/${name}` }),
    urlParameters: isStringRecord(urlParameters) ? { ...urlParameters } : {},
    calls: Array.isArray(calls) ? calls.filter((callee): callee is string => typeof callee === "string") : [],
    image: image ?? null,
    redis,
    clickhouse,
    path: path ?? null,
    healthPath,
  };
}

const KNOWN_KEYS = new Set(["port", "database", "connections", "migrations", "urlParameters", "calls", "image", "redis", "clickhouse", "path", "healthPath"] satisfies (keyof ServiceDefinition)[] as string[]);

function checkText(key: string, value: unknown, problemOf: (text: string) => string | undefined, fail: (text: string) => void): void {
  if (value === undefined) return;
  const problem = typeof value === "string" ? problemOf(value) : "must be a string";
  if (problem !== undefined) fail(`${key} ${quoted(value)} ${problem}`);
}

function checkMigrations(migrations: NonNullable<ServiceDefinition["migrations"]>, fail: (text: string) => void): void {
  if (typeof migrations !== "object" || migrations === null) return fail("migrations must be {directory} or {command}");
  if ("command" in migrations) {
    const { command, timeoutMs } = migrations;
    if (!Array.isArray(command) || command.length === 0 || command.some((part) => typeof part !== "string" || part === "" || part.includes("\0"))) fail("migrations.command must be a list of a program and its arguments");
    if (timeoutMs !== undefined && !isWholeNumber(timeoutMs, 1_000, 86_400_000)) fail(`migrations.timeoutMs ${quoted(timeoutMs)} is no whole number from 1000 to 86400000`);
  } else if (typeof migrations.directory !== "string" || migrations.directory === "" || migrations.directory.includes("\0")) {
    fail("migrations.directory must be a path relative to the project's root");
  }
}

/** Ports, databases, role names and paths that two services would share. Roles are compared as Postgres sees them, where `a-b` and `a_b` are one. */
function collisions(services: readonly Service[]): string[] {
  const problems: string[] = [];
  const claim = (taken: Map<string, string>, key: string, what: string, owner: string): void => {
    const first = taken.get(key);
    if (first === undefined) taken.set(key, owner);
    else problems.push(`${quoted(owner)}: ${what} is ${quoted(first)}'s already`);
  };
  const ports = new Map<string, string>();
  const databases = new Map<string, string>();
  const roles = new Map<string, string>();
  const paths = new Map<string, string>();
  for (const { name, port, database, path } of services) {
    if (isWholeNumber(port, 1, 65_535)) claim(ports, String(port), `port ${port}`, name);
    if (path !== null) claim(paths, path, `path ${quoted(path)}`, name);
    if (database === null) continue;
    claim(databases, database, `database ${quoted(database)}`, name);
    const { owner, migrator, app, users, readonly } = roleNames(name);
    for (const role of [owner, migrator, app, ...users, readonly]) claim(roles, role, `role ${quoted(role)}`, name);
  }
  return problems;
}

function isWholeNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every((entry) => typeof entry === "string");
}

/** A value as it stands in a message: strings quoted and with control characters escaped, long ones cut. */
function quoted(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : inspect(value, { depth: 1, breakLength: Infinity, customInspect: false });
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
