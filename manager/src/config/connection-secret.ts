import { redact } from "../errors/redact";
import { URL_PARAMETERS, buildDatabaseUrl, parseDatabaseUrl, validateDatabaseUrl } from "../url";
import type { DatabaseUrl } from "../url";

/** No secret is near this size. */
export const SECRET_MAX_BYTES = 64 * 1024;

/** What a secret may leave out, and where it is then taken from. */
export interface SecretDefaults {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  /** Parameters of the URL where the secret says nothing of TLS. */
  readonly params?: Readonly<Record<string, string>>;
}

/** A connection that was read, or what is wrong with it. */
export type ReadConnection =
  | { readonly ok: true; readonly url: string; readonly parsed: DatabaseUrl; readonly ca: string | undefined; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: string; readonly fix: string };

/**
 * A connection URL, checked. Parameters that only Prisma knows (`schema`, `connection_limit`) are for the service's own library: they stay in `url` and are left out of what is
 * parsed, since libpq refuses them. Never throws; no text quotes the URL.
 */
export function readConnectionUrl(url: string, ca?: string): ReadConnection {
  const [first] = validateDatabaseUrl(url);
  let parsed: DatabaseUrl;
  if (first?.severity !== "error") parsed = parseDatabaseUrl(url);
  else {
    const withoutOwn = first.code === "DATABASE_URL_PARAMETER" ? withoutPrismaParameters(url) : undefined;
    if (withoutOwn === undefined) return { ok: false, problem: withoutStop(first.message), fix: first.hint ?? "write it as postgresql://user:password@host:5432/database?sslmode=verify-full" };
    parsed = withoutOwn;
  }
  if (parsed.user === undefined) return { ok: false, problem: "names no user", fix: "write postgresql://user:password@host:5432/database" };
  if (parsed.database === undefined) return { ok: false, problem: "names no database", fix: "write postgresql://user:password@host:5432/database" };
  const verifiedByCa = ca !== undefined;
  const warnings = validateDatabaseUrl(buildDatabaseUrl(parsed)).filter(({ code }) => !(verifiedByCa && code === "DATABASE_URL_UNVERIFIED"));
  return { ok: true, url, parsed, ca, warnings: warnings.map(({ message, hint }) => (hint === undefined ? message : `${message} Better: ${hint}`)) };
}

function withoutPrismaParameters(url: string): DatabaseUrl | undefined {
  if (validateDatabaseUrl(url, { dialect: "prisma" }).some(({ severity }) => severity === "error")) return undefined;
  const parsed = parseDatabaseUrl(url, { dialect: "prisma" });
  const params = Object.fromEntries(Object.entries(parsed.params).filter(([name]) => URL_PARAMETERS.libpq.has(name)));
  try {
    return parseDatabaseUrl(buildDatabaseUrl({ ...parsed, params }));
  } catch {
    return undefined;
  }
}

/**
 * A secret of any store: Bulkhead's own JSON, that of Amazon RDS (`username`, `password`, `engine`, `host`, `port`, `dbname`, of which a managed master secret has only the first two), or a
 * bare connection URL. Never throws; no text quotes the secret.
 */
export function readConnectionSecret(text: string, defaults: SecretDefaults = {}): ReadConnection {
  const body = text.trim();
  if (/^postgres(?:ql)?:\/\//.test(body)) return readConnectionUrl(body);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { ok: false, problem: "holds neither JSON nor a connection URL", fix: 'store {"host", "port", "dbname", "username", "password"} or postgresql://…' };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { ok: false, problem: "holds JSON that is no object", fix: 'store {"host", "port", "dbname", "username", "password"}' };
  return fromFields(value as Record<string, unknown>, defaults);
}

function fromFields(fields: Record<string, unknown>, defaults: SecretDefaults): ReadConnection {
  const { engine, sslmode, ca: authority, url } = fields;
  if (typeof engine === "string" && !/postgres/i.test(engine)) return { ok: false, problem: `is for the engine ${JSON.stringify(redact(engine).slice(0, 40))}, not for Postgres`, fix: "name the secret of the Postgres instance" };
  const host = textOf(fields["host"]) ?? defaults.host;
  const database = textOf(fields["dbname"]) ?? textOf(fields["database"]) ?? defaults.database;
  const user = textOf(fields["username"]) ?? textOf(fields["user"]);
  const password = textOf(fields["password"]);
  const port = fields["port"] === undefined ? (defaults.port ?? 5432) : Number(fields["port"]);
  const missing = Object.entries({ host, dbname: database, username: user, password }).flatMap(([name, part]) => (part === undefined ? [name] : []));
  if (host === undefined || database === undefined || user === undefined || password === undefined) {
    return { ok: false, problem: `lacks ${missing.join(", ")}`, fix: "complete the secret; host, dbname and port may also come from AWS_DB_HOST, AWS_DB_NAME and AWS_DB_PORT" };
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return { ok: false, problem: "has a port that is no whole number from 1 to 65535", fix: "store the port as a number, e.g. 5432" };

  const ca = textOf(authority);
  const params = typeof sslmode === "string" && sslmode !== "" ? { sslmode } : ca !== undefined ? { sslmode: "verify-full" } : (defaults.params ?? { sslmode: "require" });
  let built: string;
  try {
    built = buildDatabaseUrl({ hosts: [{ host, port }], user, password, database, params });
  } catch {
    return { ok: false, problem: "has a host, name or sslmode that no connection URL can hold", fix: "check host, dbname, username and sslmode of the secret" };
  }
  const read = readConnectionUrl(built, ca);
  // Bulkhead's secrets carry a URL with the service's own parameters and the file of the authority, for libraries that take nothing else.
  return read.ok && typeof url === "string" && url !== "" ? { ...read, url } : read;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A sentence's end that another sentence will give. */
export function withoutStop(text: string): string {
  return text.replace(/\.$/, "");
}
