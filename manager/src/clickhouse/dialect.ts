/**
 * How a server's files say what a user may do. `grants`: privileges, of which a user has nothing but those listed. `allow-databases`: a list of databases, beside which everybody who is let in may use
 * table functions, SYSTEM commands and system tables.
 */
export type ClickHouseDialect = "grants" | "allow-databases";

/** The first long-term release that knows `<grants>` in its users' files. An older one would pass over them, and give every user all rights. */
const GRANTS_SINCE = [23, 8] as const;

/** The dialect of a server, by its version, e.g. `25.8.2.29`. What cannot be read as a version is taken for an old one. */
export function clickHouseDialect(version: string): ClickHouseDialect {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const [sinceMajor, sinceMinor] = GRANTS_SINCE;
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor) ? "grants" : "allow-databases";
}

/** Name of the files' outermost element. Servers before 21.10 know the old one only. */
export function rootElement(dialect: ClickHouseDialect): "clickhouse" | "yandex" {
  return dialect === "grants" ? "clickhouse" : "yandex";
}
