import { BulkheadError, messageOf, redact } from "../errors";
import type { Clock } from "../errors";
import { buildDatabaseUrl } from "../url";
import type { SourceName } from "./app-config";
import { readConnectionSecret, readConnectionUrl } from "./connection-secret";
import type { ReadConnection, SecretDefaults } from "./connection-secret";
import { SecretReader } from "./secret-reader";
import { readAwsSecret, readFileSecret, readGcpSecret } from "./secret-stores";
import type { ModuleLoader } from "./secret-stores";
import type { Settings } from "./settings";
import { WHOLE_NUMBERS } from "./variables";
import type { ConfigVariable } from "./variables";

/** What a source has to work with. */
export interface SourceContext {
  readonly settings: Settings;
  readonly loadModule: ModuleLoader;
  readonly clock: Clock;
}

/** A connection that was read and is whole. */
export type FoundConnection = Extract<ReadConnection, { ok: true }>;

/** What a source answers: not configured; configured and wrong (the problems are in `settings`); or a connection. */
export type SourceAnswer =
  | { readonly state: "absent"; readonly why: string }
  | { readonly state: "invalid"; readonly why: string }
  | { readonly state: "found"; readonly why: string; readonly connection: FoundConnection; readonly secret?: SecretReader<FoundConnection> };

type Source = (context: SourceContext) => SourceAnswer | Promise<SourceAnswer>;

/** The sources in their order; the first that is configured decides, also when it fails: what stands behind it could be another database. */
export const SOURCES: readonly (readonly [Exclude<SourceName, "memory">, Source])[] = [
  ["database-url", databaseUrl],
  ["aws-secrets-manager", awsSecretsManager],
  ["gcp-secret-manager", gcpSecretManager],
  ["secret-file", secretFile],
  ["aws-variables", awsVariables],
];

function databaseUrl({ settings }: SourceContext): SourceAnswer {
  const url = settings.environment.get("DATABASE_URL");
  if (url === undefined) return { state: "absent", why: "DATABASE_URL is not set" };
  return answer(settings, "DATABASE_URL", readConnectionUrl(url), "is set");
}

function awsSecretsManager(context: SourceContext): SourceAnswer | Promise<SourceAnswer> {
  const { settings, loadModule } = context;
  const names = (["AWS_DB_SECRET", "AWS_SECRET_NAME"] as const).filter((name) => settings.text(name) !== undefined);
  const [name] = names;
  if (name === undefined) return { state: "absent", why: "neither AWS_DB_SECRET nor AWS_SECRET_NAME is set" };
  const secretId = settings.text(name) ?? "";
  const region = settings.text("AWS_REGION");
  const before = settings.problems.length;
  if (names.length === 2 && settings.text("AWS_SECRET_NAME") !== secretId) settings.problem("AWS_SECRET_NAME", "names another secret than AWS_DB_SECRET", "unset one of the two");
  if (region === undefined) settings.problem("AWS_REGION", `is not set, and ${settings.environment.nameOf(name)} needs it`, "set it to the secret's region, e.g. eu-central-1");
  const defaults = awsDefaults(settings);
  if (settings.problems.length > before || region === undefined || defaults === undefined) return { state: "invalid", why: `${name} is set, but what belongs to it is wrong` };
  return readStore(context, name, defaults, (signal) => readAwsSecret(loadModule, { secretId, region }, signal));
}

function gcpSecretManager(context: SourceContext): SourceAnswer | Promise<SourceAnswer> {
  const { settings, loadModule } = context;
  const secret = settings.text("GCP_DB_SECRET");
  if (secret === undefined) return { state: "absent", why: "GCP_DB_SECRET is not set" };
  const project = settings.text("GOOGLE_CLOUD_PROJECT");
  if (!secret.startsWith("projects/") && project === undefined) {
    settings.problem("GCP_DB_SECRET", "names no project", "write projects/<project>/secrets/<name>, or set GOOGLE_CLOUD_PROJECT");
    return { state: "invalid", why: "GCP_DB_SECRET names no project" };
  }
  const name = secret.startsWith("projects/") ? secret : `projects/${project}/secrets/${secret}`;
  return readStore(context, "GCP_DB_SECRET", {}, () => readGcpSecret(loadModule, { name }));
}

function secretFile(context: SourceContext): SourceAnswer | Promise<SourceAnswer> {
  const path = context.settings.text("DB_SECRET_FILE");
  if (path === undefined) return { state: "absent", why: "DB_SECRET_FILE is not set" };
  return readStore(context, "DB_SECRET_FILE", {}, () => readFileSecret(path));
}

function awsVariables({ settings }: SourceContext): SourceAnswer {
  const names = ["AWS_DB_HOST", "AWS_DB_NAME", "AWS_DB_USER", "AWS_DB_PASSWORD"] as const;
  const missing = names.filter((name) => settings.environment.get(name) === undefined);
  if (missing.length === names.length) return { state: "absent", why: "no AWS_DB_HOST, AWS_DB_NAME, AWS_DB_USER, AWS_DB_PASSWORD is set" };
  for (const name of missing) settings.problem(name, "is not set, while others of AWS_DB_* are", "set it, or unset all AWS_DB_* variables");
  const defaults = awsDefaults(settings);
  if (missing.length > 0 || defaults?.host === undefined || defaults.database === undefined) return { state: "invalid", why: "AWS_DB_* is not complete, or has a wrong value" };
  let url: string;
  try {
    url = buildDatabaseUrl({
      hosts: [{ host: defaults.host, port: defaults.port ?? 5432 }],
      user: settings.text("AWS_DB_USER"),
      // As it stands: spaces at its ends may belong to it.
      password: settings.environment.get("AWS_DB_PASSWORD"),
      database: defaults.database,
      params: defaults.params ?? {},
    });
  } catch (error) {
    settings.problem("AWS_DB_HOST", `makes no connection with the other AWS_DB_* variables: ${redact(messageOf(error))}`, "check host, name, user and port");
    return { state: "invalid", why: "AWS_DB_* makes no connection" };
  }
  return answer(settings, "AWS_DB_HOST", readConnectionUrl(url), "and its companions are set");
}

/** What the AWS variables say beside a secret; undefined where one of them is wrong. */
function awsDefaults(settings: Settings): SecretDefaults | undefined {
  const before = settings.problems.length;
  const requireSsl = settings.boolean("aws.requireSsl", "AWS_REQUIRE_SSL", true);
  const authority = settings.text("AWS_SSLROOTCERT");
  if (!requireSsl && authority !== undefined) settings.problem("AWS_REQUIRE_SSL", "is off while AWS_SSLROOTCERT names an authority", "unset one of the two");
  const port = settings.wholeNumber("aws.port", WHOLE_NUMBERS.awsPort);
  if (settings.problems.length > before) return undefined;
  return {
    host: settings.text("AWS_DB_HOST"),
    port: port.value,
    database: settings.text("AWS_DB_NAME"),
    params: !requireSsl ? { sslmode: "disable" } : authority === undefined ? { sslmode: "require" } : { sslmode: "verify-full", sslrootcert: authority },
  };
}

/** Why a secret is refused: the problem and its mending apart, for `ConfigProblem`. */
class SecretRefused extends BulkheadError {}

async function readStore({ settings, clock }: SourceContext, variable: ConfigVariable, defaults: SecretDefaults, readText: (signal: AbortSignal) => Promise<string>): Promise<SourceAnswer> {
  const secret = new SecretReader<FoundConnection>(
    async (signal) => {
      const read = readConnectionSecret(await readText(signal), defaults);
      if (!read.ok) throw new SecretRefused("SECRET_INVALID", read.problem, { hint: read.fix });
      return read;
    },
    { clock },
  );
  try {
    return { state: "found", why: `${settings.environment.nameOf(variable)} is set`, connection: await secret.get(), secret };
  } catch (error) {
    const said = error instanceof SecretRefused ? `names a secret that ${error.message}` : `names a secret that cannot be used: ${redact(messageOf(error))}`;
    settings.problem(variable, said, (error instanceof BulkheadError ? error.hint : undefined) ?? "check the secret");
    return { state: "invalid", why: `${settings.environment.nameOf(variable)} is set, but its secret cannot be used` };
  }
}

function answer(settings: Settings, variable: ConfigVariable, read: ReadConnection, why: string): SourceAnswer {
  const name = settings.environment.nameOf(variable);
  if (read.ok) return { state: "found", why: `${name} ${why}`, connection: read };
  settings.problem(variable, read.problem.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()), read.fix);
  return { state: "invalid", why: `${name} is set, but is no usable connection` };
}
