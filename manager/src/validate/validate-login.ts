import { resolve } from "node:path";

import type { Client } from "pg";

import type { MigrationSource } from "../catalog/catalog";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { migrationStatus } from "../migrate";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { clientConfig, openSession } from "../postgres/connect";
import { quoteIdentifier } from "../postgres/identifier";
import type { DatabaseSecret, SecretLogin } from "../secrets/secret";
import { runAttempts } from "./attempts";
import type { Attempt } from "./attempts";
import { inDatabase } from "./in-database";
import { readMarkers } from "./markers";
import { allowedAttempts, readOnlyAttempts, refusedAttempts, signalAttempts, unrefusableRole } from "./login-attempts";
import type { Evidence } from "./report";
import type { LiveRule } from "./rules";
import { attemptEvidence, markerEvidence, sessionEvidence } from "./session-evidence";
import { readSessionFacts } from "./session-facts";
import { probeWrite } from "./write-probe";

/** One login of a compartment, with the secret that it was given. */
export interface LoginUnderTest {
  readonly compartment: CompartmentPlan;
  readonly login: SecretLogin;
  readonly secret: DatabaseSecret;
}

/** What a login's session is held against. */
export interface SessionContext {
  readonly plan: TierPlan;
  /** Where marked statements were run. */
  readonly marked: readonly string[];
  /** Where the service's schema comes from, and what its folder is relative to. */
  readonly source: MigrationSource;
  readonly root: string;
  /** Port that the server listens on. */
  readonly serverPort: number;
}

/** The rules that need the login's own session: without it they are skipped. */
const SESSION_RULES: Readonly<Record<SecretLogin, readonly LiveRule[]>> = {
  app: ["definer-functions", "standby-login"],
  migrator: ["schema-version", "write-probe"],
  readonly: ["readonly-cannot-write"],
};
const EVERY_SESSION: readonly LiveRule[] = ["no-foreign-database", "identity", "tls-session", "session-settings", "no-create", "no-set-role", "no-session-authorization", "no-server-control", "no-server-files", "no-role-secrets", "no-foreign-statements", "no-foreign-activity", "no-foreign-signals"];
const RESTRICTED_SESSION: readonly LiveRule[] = ["table-access", "no-temporary-tables", "no-schema-change", "no-history-write"];

/** The longest message of a session takes some 10 ms; a lock that somebody holds may delay it. */
const QUERY_TIMEOUT_MS = 30_000;

/** What is not known because a login did not get in. */
export function skippedSession({ service }: CompartmentPlan, login: SecretLogin): Evidence[] {
  const rules = [...EVERY_SESSION, ...SESSION_RULES[login], ...(login === "migrator" ? [] : RESTRICTED_SESSION)];
  return rules.map((rule) => ({ rule, service, login, status: "skipped", detail: "could not be tried, the login does not get in", ms: 0 }));
}

/** Logs in with exactly the secret. Evidence of the rule `login`, and the session if there is one. */
export async function logIn({ compartment: { service }, login, secret }: LoginUnderTest): Promise<{ client: Client | undefined; evidence: Evidence }> {
  const startedAt = performance.now();
  const base = { rule: "login", service, login } as const;
  try {
    const client = await openSession({ ...clientConfig(secret, "bulkhead validate"), query_timeout: QUERY_TIMEOUT_MS });
    return { client, evidence: { ...base, status: "passed", detail: `${secret.username} in ${secret.dbname} at ${secret.host}:${secret.port}`, ms: performance.now() - startedAt } };
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    const detail = `${secret.username} does not get into ${secret.dbname}: ${redact(messageOf(error), [secret.password])}${typeof code === "string" ? ` (${code})` : ""}`;
    return { client: undefined, evidence: { ...base, status: "failed", detail, ms: performance.now() - startedAt, heal: code === "53300" ? undefined : "npx bulkhead provision" } };
  }
}

/** Everything that is found out in one login's session, which stays open. */
export async function validateSession(client: Client, under: LoginUnderTest, context: SessionContext): Promise<Evidence[]> {
  const { compartment, login, secret } = under;
  const { service } = compartment;
  const evidence: Evidence[] = [];
  const step = async (rule: LiveRule, work: () => Promise<Evidence[]>): Promise<void> => {
    evidence.push(...(await evidenceOf(under, rule, work)));
  };
  const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const startedAt = performance.now();
    return [await work(), performance.now() - startedAt];
  };

  await step("identity", async () => {
    const settings = compartment.roleSpecs.find(({ name }) => name === secret.username)?.settings ?? {};
    const [facts, ms] = await timed(() => readSessionFacts(client, Object.keys(settings)));
    evidence.push(...sessionEvidence(facts, { ...under, serverPort: context.serverPort, ms }));
    const attempts = { compartment, login, role: secret.username, tier: context.plan.tier, facts };
    const allowed = login === "migrator" ? [] : allowedAttempts(attempts);
    // What only a read-write transaction can tell: a read-only one refuses every write, whatever the privileges are.
    const outcomes = await runAttempts(client, [...refusedAttempts(attempts), ...allowed], "READ WRITE");
    if (login === "readonly") outcomes.push(...(await runAttempts(client, readOnlyAttempts(facts))));
    const hasHistory = facts.tables.some(({ schema, name }) => schema === "migrations" && name === "history");
    if (login !== "migrator" && !hasHistory) evidence.push({ rule: "no-history-write", service, login, status: "skipped", detail: "there is no migration history yet", ms: 0 });
    const unrefusable = unrefusableRole(attempts);
    if (unrefusable !== undefined) evidence.push(unrefusableEvidence(unrefusable, under));
    return attemptEvidence(outcomes, compartment, login);
  });
  await step("no-server-control", async () => [await createDatabaseEvidence(client, under)]);
  await step("no-foreign-statements", async () => {
    const [found, ms] = await timed(() => readMarkers(client));
    return [markerEvidence(found, compartment, { login, marked: context.marked, ms })];
  });
  if (login === "app") await step("write-probe", () => writableEvidence(client, under));
  if (login === "migrator") {
    await step("write-probe", async () => {
      const [problems, ms] = await timed(() => probeWrite(client, compartment));
      const base = { rule: "write-probe", service, login, ms } as const;
      return problems.length === 0
        ? [{ ...base, status: "passed", detail: "made a table, wrote a row, the service's roles may use it as planned; rolled back, nothing is left" }]
        : problems.map((problem) => ({ ...base, status: "failed", detail: problem }));
    });
    await step("schema-version", () => schemaEvidence(client, under, context));
  }
  return evidence;
}

/**
 * That a login cannot cancel or end these sessions. They must be idle: were it allowed after all, it would take its own check from an innocent login.
 */
export function signalEvidence(client: Client, under: LoginUnderTest, foreignPids: readonly number[]): Promise<Evidence[]> {
  return evidenceOf(under, "no-foreign-signals", async () => attemptEvidence(await runAttempts(client, signalAttempts(foreignPids)), under.compartment, under.login));
}

/** A check of its own, so that it does not hide what was refused. */
function unrefusableEvidence(role: string, { compartment: { service }, login }: LoginUnderTest): Evidence {
  return { rule: "no-set-role", service, login, subject: role, status: "skipped", detail: `SET ROLE ${role} is allowed to every member before PostgreSQL 16; it lends nothing that the login does not inherit anyway`, ms: 0 };
}

/** A step that fails says so under its rule, and leaves the other steps their chance. */
async function evidenceOf({ compartment: { service }, login, secret }: LoginUnderTest, rule: LiveRule, work: () => Promise<Evidence[]>): Promise<Evidence[]> {
  try {
    return await work();
  } catch (error) {
    const hint = error instanceof BulkheadError ? error.hint : undefined;
    return [{ rule, service, login, status: "failed", detail: redact(messageOf(error), [secret.password]), ms: 0, heal: hint }];
  }
}

/** CREATE DATABASE cannot stand in a transaction. With a template that does not exist it ends at the permission check or, if that is passed, right after it. */
async function createDatabaseEvidence(client: Client, { compartment: { service }, login }: LoginUnderTest): Promise<Evidence> {
  const startedAt = performance.now();
  // The readonly login's sessions are read-only, which is refused before the privilege is looked at.
  if (login === "readonly") await client.query("SET default_transaction_read_only = off");
  const code = await client.query("CREATE DATABASE bulkhead_probe TEMPLATE bulkhead_probe_no_such_template").then(
    () => "00000",
    (error: unknown) => (error as { code?: string }).code ?? messageOf(error),
  );
  if (login === "readonly") await client.query("RESET default_transaction_read_only");
  const base = { rule: "no-server-control", service, login, ms: performance.now() - startedAt } as const;
  return code === "42501" ? { ...base, status: "passed", detail: `CREATE DATABASE refused with 42501` } : { ...base, status: "failed", detail: `CREATE DATABASE ended with ${code}, not 42501` };
}

/** A write of the service's own that fits any schema: a transaction id is given out only where the server takes writes. */
async function writableEvidence(client: Client, { compartment, login }: LoginUnderTest): Promise<Evidence[]> {
  const attempt: Attempt = { rule: "write-probe", what: "a transaction that writes", sql: "SELECT pg_current_xact_id()", expected: "allowed" };
  return attemptEvidence(await runAttempts(client, [attempt]), compartment, login);
}

async function schemaEvidence(client: Client, { compartment: { service, roles, database } }: LoginUnderTest, { source, root }: SessionContext): Promise<Evidence[]> {
  const base = { rule: "schema-version", service } as const;
  if ("command" in source) return [{ ...base, status: "skipped", detail: `the service's own tool (${source.command[0]}) keeps its history`, ms: 0 }];
  const startedAt = performance.now();
  const status = await migrationStatus({ client, service, owner: roles.owner, directory: resolve(root, source.directory) });
  const ms = performance.now() - startedAt;
  const newest = status.migrations.reduce((version, migration) => Math.max(version, migration.version), 0);
  if (status.ok && status.schemaVersion === newest) return [{ ...base, status: "passed", detail: `version ${newest}, as the newest file in ${source.directory}`, ms }];
  const named = (version: number, name: string): string => `${String(version).padStart(3, "0")}_${name}`;
  return [
    ...status.migrations.filter(({ state }) => state !== "applied").map(({ version, name, state, detail }): Evidence => ({ ...base, status: "failed", detail: `${named(version, name)} is ${state}${detail === null ? "" : `: ${detail}`}`, ms, heal: state === "pending" ? `npx bulkhead migrate up ${service}` : `npx bulkhead migrate status ${service}` })),
    ...status.invalidIndexes.map((index): Evidence => ({ ...base, status: "failed", detail: `index ${index} is invalid: a CREATE INDEX CONCURRENTLY did not end`, ms, heal: inDatabase(database.name, `SET ROLE ${quoteIdentifier(roles.owner)}; DROP INDEX ${index}; RESET ROLE;`) })),
  ];
}

