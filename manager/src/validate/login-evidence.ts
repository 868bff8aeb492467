import { messageOf } from "../errors/bulkhead-error";
import type { CompartmentPlan } from "../plan/plan";
import { clientConfig } from "../postgres/connect";
import { quoteIdentifier } from "../postgres/identifier";
import { attemptLogin } from "./refused-logins";
import type { Evidence } from "./report";
import type { probeCertificate } from "./server-probe";
import type { DatabaseFacts, ServerFacts } from "./server-facts";
import type { LoginUnderTest } from "./validate-login";

const APPLICATION_NAME = "bulkhead validate";
const NO_PRIVILEGE = "42501";
const WRONG_PASSWORD = "28P01";
/** What Postgres answers where pg_hba.conf has no line for the connection, or one that rejects it. */
const NOT_AUTHORIZED = "28000";

/**
 * That no role of the compartment may connect to another database, by Postgres' own privilege function: the very check that a connection
 * ends at. It covers grants to the role, to PUBLIC and to whatever it is a member of. One check a database. Pure.
 *
 * Not of the provider's databases: they may let PUBLIC connect, and are closed by the rules for who may log in.
 */
export function connectPrivilegeEvidence({ service, database, roleSpecs }: CompartmentPlan, { databases }: ServerFacts): Evidence[] {
  const names = new Set(roleSpecs.map(({ name }) => name));
  return foreignTo(database.name, databases).filter(({ ofProvider }) => !ofProvider).map((foreign): Evidence => {
    const base = { rule: "no-foreign-database", service, subject: foreign.name, ms: 0 } as const;
    const may = foreign.connectableBy.filter((role) => names.has(role));
    if (may.length === 0) return { ...base, status: "passed", detail: `none of its ${names.size} roles has CONNECT` };
    return { ...base, status: "failed", detail: `${may.join(", ")} may connect to ${foreign.name}`, heal: connectHealing(foreign, names) };
  });
}

/**
 * The same by trying. The service's login tries every database; migrator and readonly login try one each, which shows that what the
 * privilege function says is what happens to them: a refused login costs some 7 ms of processor time, and all logins with all databases
 * would be most of a validation. A database of the provider's is tried by all three, since there the attempt is the only proof.
 */
export async function foreignDatabaseEvidence({ compartment, login, secret }: LoginUnderTest, { databases }: ServerFacts): Promise<Evidence[]> {
  const { service, database, roleSpecs } = compartment;
  const evidence: Evidence[] = [];
  const ofProvider = databases.filter((candidate) => candidate.ofProvider);
  const others = databases.filter((candidate) => !candidate.ofProvider);
  const tried = login === "app" ? foreignTo(database.name, databases) : [...nextDatabase(database.name, others), ...ofProvider];
  for (const foreign of tried) {
    const attempt = await attemptLogin(clientConfig({ ...secret, dbname: foreign.name }, APPLICATION_NAME), NO_PRIVILEGE, ...(foreign.ofProvider ? [NOT_AUTHORIZED] : []));
    const base = { rule: "no-foreign-database", service, login, subject: foreign.name, ms: attempt.ms } as const;
    if (attempt.refused) evidence.push({ ...base, status: "passed", detail: `${foreign.name}: ${attempt.detail}` });
    else if (foreign.ofProvider) evidence.push({ ...base, status: "failed", detail: `${foreign.name}: ${attempt.detail}; it is the provider's own, and only the provider can close it` });
    else evidence.push({ ...base, status: "failed", detail: `${foreign.name}: ${attempt.detail}`, heal: connectHealing(foreign, new Set(roleSpecs.map(({ name }) => name))) });
  }
  return evidence;
}

function foreignTo(own: string, databases: readonly DatabaseFacts[]): DatabaseFacts[] {
  return databases.filter(({ name }) => name !== own);
}

/** The database that follows in the order of names, so that over all services every database is tried. */
function nextDatabase(own: string, databases: readonly DatabaseFacts[]): DatabaseFacts[] {
  const index = databases.findIndex(({ name }) => name === own);
  return databases.length < 2 ? [] : [databases[(index + 1) % databases.length]!];
}

/** Takes CONNECT away from whom it was granted to: PUBLIC or a role of the compartment. A right that comes by membership is another rule's to mend. */
function connectHealing({ name, connectGrantees }: DatabaseFacts, roles: ReadonlySet<string>): string | undefined {
  const statements = connectGrantees
    .filter((grantee) => grantee === "PUBLIC" || roles.has(grantee))
    .map((grantee) => `REVOKE CONNECT ON DATABASE ${quoteIdentifier(name)} FROM ${grantee === "PUBLIC" ? "PUBLIC" : quoteIdentifier(grantee)};`);
  return statements.length === 0 ? undefined : `-- as the owner of ${name}:\n${statements.join(" ")}`;
}

/** The other login of the pair sleeps until a rotation: the live one's password must not open it. */
export async function standbyEvidence({ compartment: { service, roles }, secret }: LoginUnderTest): Promise<Evidence> {
  const standby = roles.users.find((role) => role !== secret.username) ?? roles.users[1];
  const attempt = await attemptLogin(clientConfig({ ...secret, username: standby }, APPLICATION_NAME), WRONG_PASSWORD);
  const base = { rule: "standby-login", service, ms: attempt.ms } as const;
  return attempt.refused
    ? { ...base, status: "passed", detail: `${standby} ${attempt.detail}` }
    : { ...base, status: "failed", detail: `${standby} with the password of ${secret.username}: ${attempt.detail}`, heal: `ALTER ROLE ${quoteIdentifier(standby)} PASSWORD NULL;` };
}

/** Without TLS the server must refuse before it asks for a password. The password is a stranger's: should the server ask all the same, none of ours is sent in the open. */
export async function plaintextEvidence({ compartment: { service }, secret }: LoginUnderTest, strangersPassword: string): Promise<Evidence> {
  const attempt = await attemptLogin({ ...clientConfig({ ...secret, password: strangersPassword }, APPLICATION_NAME), ssl: false }, NOT_AUTHORIZED);
  const base = { rule: "tls-session", service, ms: attempt.ms } as const;
  return attempt.refused ? { ...base, status: "passed", detail: `without TLS ${attempt.detail}` } : { ...base, status: "failed", detail: `without TLS: ${attempt.detail}`, heal: "in pg_hba.conf allow hostssl lines only, then reload" };
}

/** What clients with verify-full make of the server's certificate. `probe` may remember: most secrets name the same server and authority. */
export async function certificateEvidence({ compartment: { service }, secret }: LoginUnderTest, probe: typeof probeCertificate): Promise<Evidence> {
  const startedAt = performance.now();
  const done = (problems: readonly string[]): Evidence => {
    const base = { rule: "tls-certificate", service, ms: performance.now() - startedAt } as const;
    return problems.length === 0
      ? { ...base, status: "passed", detail: `valid for ${secret.host} by the secret's authority; refused for another host and by another authority` }
      : { ...base, status: "failed", detail: problems.join("; ") };
  };
  try {
    const { trusted, reason, namesHost, namesOtherHost, trustedByOther } = await probe(secret);
    return done([
      ...(trusted ? [] : [`the server's certificate is not from the secret's authority: ${reason}`]),
      ...(namesHost ? [] : [`the server's certificate is not for ${secret.host}`]),
      ...(namesOtherHost ? ["the server's certificate is accepted for any host"] : []),
      ...(trustedByOther ? ["the server's certificate is accepted by a client that trusts another authority"] : []),
    ]);
  } catch (error) {
    return done([`the server does not shake hands: ${messageOf(error)}`]);
  }
}
