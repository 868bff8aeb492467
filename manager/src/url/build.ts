import { DEFAULT_PORT, DatabaseUrlError } from "./database-url";
import type { DatabaseUrlParts } from "./database-url";
import { FIELD_PARAMETERS } from "./parameters";
import { parseDatabaseUrl } from "./parse";
import type { ParseOptions } from "./parse";
import { encodePart } from "./percent-encoding";

/**
 * Writes a connection URL that libpq reads back as exactly these parts: everything but letters, digits and `-._~` is percent-encoded, the port always
 * stands there (so that PGPORT cannot change it), parameters keep their order. `dialect` admits the parameters of Prisma; JDBC's form is
 * written by `formatForDriver`.
 *
 * Throws `DatabaseUrlError` for what no URL can say (a comma in a host, NUL) and for what libpq would refuse (unknown parameter, port out of range).
 */
export function buildDatabaseUrl(parts: DatabaseUrlParts, options: { readonly dialect?: "libpq" | "prisma" } = {}): string {
  const url = `postgresql://${credentialsOf(parts)}${hostsOf(parts)}${parts.database ? `/${encodePart(parts.database, "database")}` : ""}${queryOf(parts.params ?? {})}`;
  parseDatabaseUrl(url, options satisfies ParseOptions);
  return url;
}

function credentialsOf({ user, password }: DatabaseUrlParts): string {
  if (!user && !password) return "";
  return `${encodePart(user ?? "", "user")}${password ? `:${encodePart(password, "password")}` : ""}@`;
}

function hostsOf({ hosts }: DatabaseUrlParts): string {
  if (hosts.length === 0) throw new DatabaseUrlError("DATABASE_URL_HOST", "A connection URL needs at least one host.", { hint: 'give hosts: [{ host: "localhost" }]' });
  return hosts.map(({ host, port }) => `${encodeHost(host)}:${port ?? DEFAULT_PORT}`).join(",");
}

/** A host as it stands in a URL: an address with colons in brackets, a socket's folder percent-encoded. */
export function encodeHost(host: string): string {
  if (host.includes(",")) throw new DatabaseUrlError("DATABASE_URL_HOST", "A host contains a comma, which separates hosts even when it is percent-encoded.", { hint: "give each host as an entry of its own" });
  const encoded = encodePart(host, "host");
  return host.includes(":") && !isSocketPath(host) ? `[${encoded.replaceAll("%3A", ":")}]` : encoded;
}

function isSocketPath(host: string): boolean {
  return host.startsWith("/") || host.startsWith("@");
}

/** `?name=value&…`, or nothing where there is no parameter. */
export function queryOf(params: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(params).map(([name, value]) => {
    if (FIELD_PARAMETERS.has(name)) {
      throw new DatabaseUrlError("DATABASE_URL_PARAMETER", `"${name}" is given as a parameter.`, { hint: `give it as the field ${name === "dbname" ? "database" : name === "host" || name === "port" ? "hosts" : name}` });
    }
    return `${encodePart(name, "name of a parameter")}=${encodePart(value, `value of "${name}"`)}`;
  });
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
