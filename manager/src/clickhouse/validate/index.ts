import { messageOf } from "../../errors/bulkhead-error";
import { redact } from "../../errors/redact";
import type { StoreEndpoint, StoreSecret } from "../../stores/store-secret";
import type { Evidence } from "../../validate/report";
import { STORE_RULES } from "../../validate/rules";
import type { StoreRule } from "../../validate/rules";
import { clickHouseDialect } from "../dialect";
import type { ClickHouseLimits } from "../limits";
import { checkAdmin } from "./admin";
import { checkAnonymous } from "./anonymous";
import { checkForeignDatabases } from "./foreign-databases";
import { checkLimits } from "./limits";
import { dropProbeTable, makeProbeTable } from "./probe-table";
import type { ProbeTable } from "./probe-table";
import { evidenceOf, failed, querier } from "./session";
import type { Finding, ServiceSession } from "./session";

export interface ValidateClickHouseOptions {
  readonly endpoint: StoreEndpoint;
  /** What is to be in force. */
  readonly limits: ClickHouseLimits;
  readonly services: readonly string[];
  readonly readSecret: (service: string) => Promise<StoreSecret | undefined>;
  readonly signal?: AbortSignal | undefined;
}

const RULES = (Object.keys(STORE_RULES) as StoreRule[]).filter((rule) => rule.startsWith("clickhouse-"));

/** A service of which it is known whether it is let in. */
interface Candidate {
  readonly service: string;
  readonly session: ServiceSession | undefined;
  readonly table: ProbeTable | undefined;
  readonly access: Evidence;
}

/**
 * Tries every rule with each service's own login. Makes a table in each service's own database meanwhile, and drops it at the end.
 * Never rejects for what a server answers, or for one that does not.
 */
export async function validateClickHouse(options: ValidateClickHouseOptions): Promise<readonly Evidence[]> {
  const candidates = await Promise.all(options.services.map((service) => enter(service, options)));
  const checks = await Promise.all(candidates.map((candidate) => checkInside(candidate, candidates, options)));
  const dropped = await Promise.all(candidates.map(leave));
  return [...checks.flat(), ...dropped];
}

async function enter(service: string, { endpoint, readSecret, signal }: ValidateClickHouseOptions): Promise<Candidate> {
  let session: ServiceSession | undefined;
  let table: ProbeTable | undefined;
  const access = await evidenceOf("clickhouse-access", service, async (): Promise<Finding> => {
    const secret = await readSecret(service);
    if (secret === undefined) return failed("there is no secret");
    // Where the secret says, as the service itself would go.
    const query = querier(secret, secret, signal);
    const version = (await query("SELECT version()")).text.trim();
    session = { service, secret, version, dialect: clickHouseDialect(version), query };
    const made = await makeProbeTable(session);
    table = made;
    if (secret.host !== endpoint.host || secret.port !== endpoint.port) return failed(`the secret leads to ${secret.host}:${secret.port} instead of ${endpoint.host}:${endpoint.port}`);
    return made.finding;
  });
  return { service, session, table, access };
}

async function checkInside({ service, session }: Candidate, all: readonly Candidate[], { endpoint, limits, signal }: ValidateClickHouseOptions): Promise<Evidence[]> {
  if (session === undefined) return RULES.filter((rule) => rule !== "clickhouse-access").map((rule) => ({ rule, service, status: "skipped", detail: "could not be tried: the service does not get in", ms: 0 }));
  const neighbours = all.flatMap((other) => (other.service === service || other.table === undefined || other.session === undefined ? [] : [{ database: other.session.secret.scope, table: other.table }]));
  const untried = all.filter((other) => other.service !== service && other.table === undefined).map((other) => other.service);
  const foreign = async (): Promise<Finding> => {
    const finding = await checkForeignDatabases(session, neighbours);
    if (finding.status !== "passed" || untried.length === 0) return finding;
    return { status: "skipped", detail: `${finding.detail}; not tried on ${untried.join(", ")}, which has nothing to try it on` };
  };
  // One after the other: a service's own limits count its queries.
  return [
    await evidenceOf("clickhouse-no-foreign-database", service, foreign),
    await evidenceOf("clickhouse-no-admin", service, () => checkAdmin(session)),
    await evidenceOf("clickhouse-limits", service, () => checkLimits(session, limits)),
    await evidenceOf("clickhouse-no-anonymous", service, () => checkAnonymous(endpoint, session.secret.username, signal)),
  ];
}

async function leave({ session, table, access }: Candidate): Promise<Evidence> {
  if (session === undefined || table === undefined) return access;
  try {
    await dropProbeTable(session, table);
    return access;
  } catch (error) {
    return { ...access, ...failed(`the table ${table.qualified} cannot be dropped: ${redact(messageOf(error))}`) };
  }
}
