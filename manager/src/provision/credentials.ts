import type { CompartmentPlan } from "../plan/plan";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import { passwordWorks } from "../postgres/password-works";
import { scramVerifier } from "../postgres/scram";
import { generatePassword, isGeneratedPassword, makeSecret, SECRET_LOGINS } from "../secrets/secret";
import type { DatabaseSecret, Endpoint, SecretLogin, SecretStore } from "../secrets/secret";
import type { ObservedCluster } from "./observed";

/** A credential that is not in order, and what mends it. */
export interface CredentialChange {
  readonly service: string;
  readonly login: SecretLogin;
  readonly role: string;
  /** What is wrong, as a sentence; never with the password in it. */
  readonly finding: string;
  /** The secret that the store shall hold. */
  readonly secret: DatabaseSecret;
  /** Whether the store holds something else. */
  readonly writeSecret: boolean;
  /** Whether the role's password must be set to the secret's. */
  readonly setPassword: boolean;
}

export interface CredentialOptions {
  readonly secrets: SecretStore;
  readonly endpoint: Endpoint;
  /** Log in with every secret to see that it works; else only what the catalogs show is judged. */
  readonly probe: boolean;
}

/**
 * Holds the secrets of a compartment against its roles. Reads and probes; changes nothing.
 *
 * A secret that was lost, or that holds a password of somebody's own making, gets a new password. One that is whole but does not log in
 * keeps its password and the role is set to it: what a running service has read stays right.
 */
export async function diffCredentials(compartment: CompartmentPlan, cluster: ObservedCluster, options: CredentialOptions): Promise<CredentialChange[]> {
  const changes = await Promise.all(SECRET_LOGINS.map((login) => diffCredential(compartment, login, cluster, options)));
  return changes.filter((change) => change !== undefined);
}

async function diffCredential(compartment: CompartmentPlan, login: SecretLogin, cluster: ObservedCluster, { secrets, endpoint, probe }: CredentialOptions): Promise<CredentialChange | undefined> {
  const { service, database, urlParameters } = compartment;
  const stored = await secrets.read({ service, login });
  const role = roleOf(compartment, login, stored);
  const base = { service, login, role };
  const secretWith = (password: string): DatabaseSecret => makeSecret(endpoint, { dbname: database.name, username: role, password, urlParameters });

  if (stored === undefined) return { ...base, finding: `the ${login} secret of ${service} is missing or not whole`, secret: secretWith(generatePassword()), writeSecret: true, setPassword: true };
  if (!isGeneratedPassword(stored.password)) return { ...base, finding: `the ${login} secret of ${service} holds a password that Bulkhead did not make`, secret: secretWith(generatePassword()), writeSecret: true, setPassword: true };

  const secret = secretWith(stored.password);
  const writeSecret = JSON.stringify(secret) !== JSON.stringify(stored);
  if (!cluster.roles.some(({ name }) => name === role)) return { ...base, finding: `role ${role} does not exist`, secret, writeSecret, setPassword: true };
  const databaseExists = cluster.databases.some(({ name, allowConnections }) => name === database.name && allowConnections);
  if (probe && databaseExists && !(await passwordWorks(secret, "bulkhead provision"))) return { ...base, finding: `role ${role} has another password than its secret`, secret, writeSecret, setPassword: true };
  return writeSecret ? { ...base, finding: `the ${login} secret of ${service} names another server, role or database`, secret, writeSecret, setPassword: false } : undefined;
}

/** The role that a login's secret is for. Of the pair, the one that the stored secret names is the live one: a rotation swaps them. */
export function roleOf({ roles }: CompartmentPlan, login: SecretLogin, stored: DatabaseSecret | undefined): string {
  if (login !== "app") return roles[login];
  return stored?.username === roles.users[1] ? roles.users[1] : roles.users[0];
}

/** The SQL that makes a role's password that of its secret: with a verifier, never with the password. */
export async function setPasswordSql({ role, secret }: CredentialChange): Promise<string> {
  return `ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${quoteLiteral(await scramVerifier(secret.password))}`;
}
