import type { DatabaseUrl, DatabaseUrlDialect } from "../database-url";
import { checkParameterValues } from "../check";
import { parseDatabaseUrl } from "../parse";
import { expressParams, SAME } from "./express";
import { toLibpqParameters } from "./from-dialect";
import { formatJdbc } from "./jdbc";
import { formatLibpq } from "./libpq";
import { formatNodePostgres } from "./node-postgres";
import type { NodePostgresConfig } from "./node-postgres";
import { PARAMETERS } from "../parameters";
import { formatPgx } from "./pgx";
import { formatPrisma } from "./prisma";
import { formatSqlalchemyAsyncpg, formatSqlalchemyPsycopg } from "./sqlalchemy";

/** The drivers that a URL can be written for. */
export type DatabaseDriver = "node-postgres" | "libpq" | "jdbc" | "sqlalchemy-asyncpg" | "sqlalchemy-psycopg" | "prisma" | "pgx";

export interface FormatOptions {
  /** The dialect in which the parameters of `url` are written; default `libpq`. */
  readonly dialect?: DatabaseUrlDialect;
}

const WRITERS = {
  libpq: formatLibpq,
  jdbc: formatJdbc,
  "sqlalchemy-asyncpg": formatSqlalchemyAsyncpg,
  "sqlalchemy-psycopg": formatSqlalchemyPsycopg,
  prisma: formatPrisma,
  pgx: formatPgx,
} as const;

/**
 * The same connection in the words of a driver: a `ClientConfig` for node-postgres, a connection string for all others. The ssl mode keeps libpq's meaning.
 *
 * Throws `DatabaseUrlError`: `DATABASE_URL_NOT_EXPRESSIBLE` where the driver has no words for something that the URL says (nothing is dropped in silence),
 * `DATABASE_URL_FILE` where node-postgres needs a certificate that cannot be read, and all that `parseDatabaseUrl` throws.
 */
export function formatForDriver(url: string | DatabaseUrl, driver: "node-postgres", options?: FormatOptions): NodePostgresConfig;
export function formatForDriver(url: string | DatabaseUrl, driver: Exclude<DatabaseDriver, "node-postgres">, options?: FormatOptions): string;
export function formatForDriver(url: string | DatabaseUrl, driver: DatabaseDriver, options: FormatOptions = {}): NodePostgresConfig | string {
  const dialect = options.dialect ?? "libpq";
  const parsed = typeof url === "string" ? parseDatabaseUrl(url, { dialect }) : url;
  // Prisma's own parameters survive the way to Prisma; every other way leads over libpq's.
  const libpq = driver === "prisma" && dialect === "prisma" ? keepPrismaParameters(parsed) : toLibpqParameters(parsed, dialect);
  if (!(driver === "prisma" && dialect === "prisma")) {
    expressParams("libpq", libpq.params, KNOWN);
    checkParameterValues(libpq.params);
  }
  return driver === "node-postgres" ? formatNodePostgres(libpq) : WRITERS[driver](libpq);
}

const KNOWN = Object.fromEntries([...PARAMETERS.libpq].map((name) => [name, SAME]));

/** Prisma's TLS words turned into libpq's, which `formatPrisma` turns back: so both spellings are understood. */
function keepPrismaParameters(url: DatabaseUrl): DatabaseUrl {
  const own = Object.fromEntries(Object.entries(url.params).filter(([name]) => !PARAMETERS.libpq.has(name) && name !== "sslaccept"));
  const shared = Object.fromEntries(Object.entries(url.params).filter(([name]) => PARAMETERS.libpq.has(name) || name === "sslaccept"));
  const libpq = toLibpqParameters({ ...url, params: shared }, "prisma");
  return { ...libpq, params: { ...own, ...libpq.params } };
}
