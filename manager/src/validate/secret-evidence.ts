import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import type { CompartmentPlan } from "../plan/plan";
import type { DatabaseSecret, Endpoint, SecretLogin, SecretStore } from "../secrets/secret";
import { parseDatabaseUrl } from "../url";
import type { Evidence } from "./report";

/** Which secret, and what it is held against. */
export interface SecretContext {
  readonly compartment: CompartmentPlan;
  readonly login: SecretLogin;
  readonly endpoint: Endpoint;
}

/** A login's secret as the service reads it, if it can be read, and what there is to say about it. */
export async function readSecret(secrets: SecretStore, context: SecretContext): Promise<{ secret: DatabaseSecret | undefined; evidence: Evidence }> {
  const startedAt = performance.now();
  const { compartment, login } = context;
  const ref = { service: compartment.service, login };
  const base = { ...ref, rule: "secret-whole" } as const;
  const failed = (secret: DatabaseSecret | undefined, detail: string, heal: string | undefined): { secret: DatabaseSecret | undefined; evidence: Evidence } => ({ secret, evidence: { ...base, status: "failed", detail, ms: performance.now() - startedAt, heal } });
  try {
    const secret = await secrets.read(ref);
    const problems = secret === undefined ? ["it is missing or not whole"] : secretProblems(secret, context);
    if (problems.length > 0) return failed(secret, problems.join("; "), "npx bulkhead provision");
    return { secret, evidence: { ...base, status: "passed", detail: secrets.reference(ref), ms: performance.now() - startedAt } };
  } catch (error) {
    return failed(undefined, messageOf(error), error instanceof BulkheadError ? error.hint : undefined);
  }
}

/** What is wrong with a login's secret, a sentence each, never with a value of it that is secret. Pure. */
export function secretProblems(secret: DatabaseSecret, { compartment, login, endpoint }: SecretContext): string[] {
  const { roles, database, urlParameters } = compartment;
  const usernames = login === "app" ? roles.users : [roles[login]];
  const problems: string[] = [];
  const expect = (what: string, actual: unknown, ...wanted: readonly unknown[]): void => {
    if (!wanted.includes(actual)) problems.push(`${what} is ${String(actual)}, not ${wanted.join(" or ")}`);
  };
  expect("host", secret.host, endpoint.host);
  expect("port", secret.port, endpoint.port);
  expect("dbname", secret.dbname, database.name);
  expect("username", secret.username, ...usernames);
  if (secret.ca !== endpoint.ca) problems.push("ca is another certificate than the tier's");

  try {
    // Parameters of the service's own are for its library: libpq would refuse them, Prisma is the one that has them.
    const url = parseDatabaseUrl(secret.url, { dialect: Object.keys(urlParameters).length === 0 ? "libpq" : "prisma" });
    expect("the URL's host", url.hosts.map(({ host }) => host).join(), secret.host);
    expect("the URL's port", url.hosts[0]!.port, secret.port);
    expect("the URL's database", url.database, secret.dbname);
    expect("the URL's user", url.user, secret.username);
    if (url.password !== secret.password) problems.push("the URL's password is not that of the password field");
    for (const [name, value] of Object.entries({ ...urlParameters, sslmode: secret.sslmode, sslrootcert: endpoint.caPath })) expect(`the URL's ${name}`, url.params[name], value);
  } catch (error) {
    problems.push(`its URL cannot be read: ${messageOf(error)}`);
  }
  return problems;
}
