import { BulkheadError } from "../errors/bulkhead-error";
import type { BulkheadErrorOptions } from "../errors/bulkhead-error";

/** The port of Postgres where none is named. */
export const DEFAULT_PORT = 5432;

/** One server of a connection URL. */
export interface DatabaseHost {
  /**
   * A name, an IPv4 or IPv6 address (without brackets), or the folder of a Unix socket (`/var/run/postgresql`, or `@name` in Linux' abstract namespace).
   * Empty where the URL names none: libpq then uses its own socket folder (or `localhost` where there are no sockets).
   */
  readonly host: string;
  /** TCP port, or the number in the socket's file name. 1 to 65535, 5432 where the URL names none. */
  readonly port: number;
}

/** What a connection URL says, with libpq's meaning. Give it to `buildDatabaseUrl` or `formatForDriver`; never log it: the password is in it. */
export interface DatabaseUrl {
  /** The servers in the order in which they are tried; never empty. */
  readonly hosts: readonly DatabaseHost[];
  /** Role to log in as; undefined: the name of the operating system's user. */
  readonly user: string | undefined;
  /** Undefined: none is sent (or the driver looks into its password file). */
  readonly password: string | undefined;
  /** Undefined: the database with the user's name. */
  readonly database: string | undefined;
  /** Every other parameter under the name and with the value that stands in the URL, e.g. `sslmode`; where one is repeated, the last. */
  readonly params: Readonly<Record<string, string>>;
}

/** What `buildDatabaseUrl` needs: as `DatabaseUrl`, but what is not known may be left out. */
export interface DatabaseUrlParts {
  readonly hosts: readonly { readonly host: string; readonly port?: number | undefined }[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly database?: string | undefined;
  readonly params?: Readonly<Record<string, string>> | undefined;
}

/** Whose parameters a URL may hold. libpq refuses every parameter that it does not know, so those of others are accepted only by name. */
export type DatabaseUrlDialect = "libpq" | "prisma" | "jdbc";

/** Why a URL is refused. Each has a section in docs/manager/urls.md. */
export type DatabaseUrlErrorCode =
  /** Not a string, or no `postgresql://` or `postgres://` at the start. */
  | "DATABASE_URL_SCHEME"
  /** `%` without two hexadecimal digits, `%00`, a NUL, bytes that are no UTF-8. */
  | "DATABASE_URL_ENCODING"
  /** A space inside a part; those around a part are ignored. */
  | "DATABASE_URL_SPACE"
  /** Brackets of an IPv6 address: not closed, empty, or followed by something else than a port. */
  | "DATABASE_URL_HOST"
  /** A port that is no integer from 1 to 65535, or as many ports as there are no hosts. */
  | "DATABASE_URL_PORT"
  /** A query without `=`, or with two. */
  | "DATABASE_URL_QUERY"
  /** A parameter that the dialect does not know. */
  | "DATABASE_URL_PARAMETER"
  /** A parameter whose value libpq refuses, e.g. an unknown `sslmode`. */
  | "DATABASE_URL_VALUE"
  /** The driver has no way to say what the URL says. */
  | "DATABASE_URL_NOT_EXPRESSIBLE"
  /** A certificate or key file that the URL names cannot be read. */
  | "DATABASE_URL_FILE"
  /** The deployment target lacks a setting, see `DatabaseUrlBuilder`. */
  | "DATABASE_URL_TARGET";

/** A connection URL that is refused. Message and hint quote nothing from the URL but names that Postgres' clients know, so no password can be in them. */
export class DatabaseUrlError extends BulkheadError {
  declare readonly code: DatabaseUrlErrorCode;

  constructor(code: DatabaseUrlErrorCode, message: string, options: BulkheadErrorOptions = {}) {
    super(code, message, options);
  }
}

/** True where libpq takes the host for a Unix socket: a path, or a name in the abstract namespace. An empty host is libpq's own socket folder. */
export function isSocketHost(host: string): boolean {
  return host === "" || host.startsWith("/") || host.startsWith("@");
}
