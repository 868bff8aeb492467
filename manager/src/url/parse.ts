import { checkParameterValues, resolveHosts } from "./check";
import { DatabaseUrlError } from "./database-url";
import type { DatabaseUrl, DatabaseUrlDialect } from "./database-url";
import { nearestName } from "./nearest-name";
import { FIELD_PARAMETERS, PARAMETERS } from "./parameters";
import { ENCODE_HINT, decodePart } from "./percent-encoding";

export interface ParseOptions {
  /** Whose parameters the query may hold; default `libpq`, which refuses what it does not know. */
  readonly dialect?: DatabaseUrlDialect;
}

const SCHEMES: Readonly<Record<DatabaseUrlDialect, readonly string[]>> = {
  libpq: ["postgresql://", "postgres://"],
  prisma: ["postgresql://", "postgres://"],
  jdbc: ["jdbc:postgresql://"],
};

/**
 * Reads a connection URL by the grammar of libpq (PostgreSQL 18, `conninfo_uri_parse_options`), not by that of the Web: several hosts, sockets, empty parts, the
 * part before the first `@` as user and password, query parameters that override what stands before them. What libpq would refuse before it
 * opens a socket (ports, number of ports, values of enumerations) is refused too. Nothing is read from the environment or from files.
 *
 * Throws `DatabaseUrlError`, whose text never quotes the URL.
 */
export function parseDatabaseUrl(url: string, options: ParseOptions = {}): DatabaseUrl {
  const dialect = options.dialect ?? "libpq";
  const values = splitUrl(url, dialect);
  const params: Record<string, string> = {};
  for (const [name, value] of values) if (!FIELD_PARAMETERS.has(name)) params[name] = value;
  // JDBC's parameters are Java's to check; Prisma's TLS parameters share libpq's names but not their values.
  if (dialect === "libpq") checkParameterValues(params);
  return {
    hosts: resolveHosts(values.get("host") ?? "", params["hostaddr"] ?? "", values.get("port") ?? ""),
    user: values.get("user") || undefined,
    password: values.get("password") || undefined,
    database: values.get("dbname") || undefined,
    params,
  };
}

/** The URL as libpq's own list of options: decoded, the last of each name, hosts and ports still as comma-separated lists. */
function splitUrl(url: unknown, dialect: DatabaseUrlDialect): Map<string, string> {
  const scheme = typeof url === "string" ? SCHEMES[dialect].find((prefix) => url.startsWith(prefix)) : undefined;
  if (typeof url !== "string" || scheme === undefined) {
    throw new DatabaseUrlError("DATABASE_URL_SCHEME", `A connection URL starts with ${SCHEMES[dialect].join(" or ")}, in lower case.`, {
      hint: `write it as ${SCHEMES[dialect][0]}user@host:5432/database?sslmode=verify-full`,
    });
  }
  if (url.includes("\0")) throw new DatabaseUrlError("DATABASE_URL_ENCODING", "The URL contains a NUL character, which Postgres cannot take.");
  if (!url.isWellFormed()) throw new DatabaseUrlError("DATABASE_URL_ENCODING", "The URL contains half of a surrogate pair, which has no UTF-8 form.");

  const values = new Map<string, string>();
  let rest = url.slice(scheme.length);

  // Only a slash ends the search for credentials: `?` and `#` in a password are not special to libpq.
  const at = rest.search(/[@/]/);
  if (at !== -1 && rest[at] === "@") {
    const credentials = rest.slice(0, at);
    rest = rest.slice(at + 1);
    const colon = credentials.indexOf(":");
    const user = colon === -1 ? credentials : credentials.slice(0, colon);
    const password = colon === -1 ? "" : credentials.slice(colon + 1);
    if (user !== "") values.set("user", decodePart(user, "user"));
    if (password !== "") values.set("password", decodePart(password, "password"));
  }

  const { hosts, ports, after } = splitHosts(rest);
  if (hosts !== "") values.set("host", decodePart(hosts, "host"));
  if (ports !== "") values.set("port", decodePart(ports, "port"));

  const question = after.indexOf("?");
  const path = question === -1 ? after : after.slice(0, question);
  if (path.length > 1) values.set("dbname", decodePart(path.slice(1), "database"));
  if (question !== -1) readQuery(after.slice(question + 1), dialect, values);
  return values;
}

/** `host[:port]` any number of times with commas between them, up to `/`, `?` or the end. Decoded later as one list, which is why a comma in a host cannot be encoded. */
function splitHosts(text: string): { hosts: string; ports: string; after: string } {
  const hosts: string[] = [];
  const ports: string[] = [];
  let position = 0;
  const take = (end: RegExp): string => {
    const length = text.slice(position).search(end);
    const taken = length === -1 ? text.slice(position) : text.slice(position, position + length);
    position += taken.length;
    return taken;
  };
  for (;;) {
    if (text[position] === "[") {
      const close = text.indexOf("]", position);
      if (close === -1) throw new DatabaseUrlError("DATABASE_URL_HOST", "An IPv6 address opens with [ and has no closing ].", { hint: `write it as [::1]:5432; ${ENCODE_HINT}` });
      if (close === position + 1) throw new DatabaseUrlError("DATABASE_URL_HOST", "The brackets of an IPv6 address are empty.", { hint: "write it as [::1]:5432" });
      hosts.push(text.slice(position + 1, close));
      position = close + 1;
      if (position < text.length && !":/?,".includes(text.charAt(position))) {
        throw new DatabaseUrlError("DATABASE_URL_HOST", "After the ] of an IPv6 address only `:port`, `,`, `/` or `?` may follow.", { hint: "write it as [::1]:5432/database" });
      }
    } else {
      hosts.push(take(/[:/?,]/));
    }
    let port = "";
    if (text[position] === ":") {
      position += 1;
      port = take(/[/?,]/);
    }
    ports.push(port);
    if (text[position] !== ",") break;
    position += 1;
  }
  return { hosts: hosts.join(","), ports: ports.join(","), after: text.slice(position) };
}

function readQuery(query: string, dialect: DatabaseUrlDialect, values: Map<string, string>): void {
  const pairs = query.split("&");
  // libpq stops at the end of the text, so one `&` there (or no query at all) is not an empty parameter.
  if (pairs.at(-1) === "") pairs.pop();
  pairs.forEach((pair, index) => {
    const place = `query parameter ${index + 1}`;
    // pgjdbc takes a bare name, as in `?ssl`, for one with an empty value.
    const [rawName, rawValue = dialect === "jdbc" ? "" : undefined, ...extra] = pair.split("=");
    if (rawName === undefined || rawValue === undefined) {
      throw new DatabaseUrlError("DATABASE_URL_QUERY", `${capitalised(place)} has no "=".`, { hint: "write parameters as name=value with & between them" });
    }
    if (extra.length > 0) throw new DatabaseUrlError("DATABASE_URL_QUERY", `${capitalised(place)} has more than one "=".`, { hint: "write an = in a value as %3D" });
    const plusIsSpace = dialect !== "libpq";
    const name = decodePart(plusIsSpace ? rawName.replaceAll("+", "%20") : rawName, `name of ${place}`);
    const value = decodePart(plusIsSpace ? rawValue.replaceAll("+", "%20") : rawValue, `value of ${place}`);
    store(name, value, dialect, place, values);
  });
}

function store(name: string, value: string, dialect: DatabaseUrlDialect, place: string, values: Map<string, string>): void {
  if (dialect !== "jdbc") {
    // Two spellings that libpq keeps from older days.
    if (name === "ssl" && value === "true") return void values.set("sslmode", "require");
    if (name === "requiressl") return void values.set("sslmode", value.startsWith("1") ? "require" : "prefer");
  }
  if (FIELD_PARAMETERS.has(name) || PARAMETERS[dialect].has(name)) return void values.set(name, value);

  // The name is not quoted: in a URL whose password was not encoded it may be a piece of the password.
  const other = (["prisma", "jdbc"] as const).find((candidate) => candidate !== dialect && PARAMETERS[candidate].has(name));
  if (other !== undefined) {
    throw new DatabaseUrlError("DATABASE_URL_PARAMETER", `${capitalised(place)}, "${name}", is a parameter of ${other}, not of ${dialect}.`, {
      hint: `parse it as parseDatabaseUrl(url, { dialect: "${other}" }), or remove the parameter`,
    });
  }
  const nearest = nearestName(name, PARAMETERS[dialect]) ?? nearestName(name, FIELD_PARAMETERS);
  throw new DatabaseUrlError("DATABASE_URL_PARAMETER", `${capitalised(place)} is none that ${dialect} knows${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`, {
    hint: "remove it, or write a ? in user, password or database as %3F",
  });
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
