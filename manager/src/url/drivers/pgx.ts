import { buildDatabaseUrl, queryOf } from "../build";
import type { DatabaseUrl } from "../database-url";
import { encodePart } from "../percent-encoding";
import { sslModeOf } from "../parameters";
import { NOTHING_TO_SAY, SAME, expressParams, notExpressible } from "./express";
import type { ParameterRule } from "./express";

const DRIVER = "pgx";

/** What pgconn.ParseConfig of pgx 5 reads; every other name it would send to the server as a setting. */
const PGX_RULES: Readonly<Record<string, ParameterRule>> = {
  ...NOTHING_TO_SAY,
  application_name: SAME,
  channel_binding: { values: {}, omit: ["disable", "prefer"] },
  connect_timeout: SAME,
  keepalives: { values: {}, omit: ["1"] },
  krbsrvname: SAME,
  options: SAME,
  passfile: SAME,
  replication: SAME,
  service: SAME,
  servicefile: SAME,
  sslcert: SAME,
  sslkey: SAME,
  sslmode: SAME,
  sslnegotiation: SAME,
  sslpassword: SAME,
  sslrootcert: SAME,
  sslsni: SAME,
  target_session_attrs: SAME,
};

/**
 * A URL for pgx 5, whose ssl modes are libpq's. Go's URL parser refuses `%2F` in a host, so sockets stand in the query; the system's authorities are what pgx
 * uses where no file is named. Refused: hostaddr, TLS version bounds, keep-alive settings, revocation lists.
 */
export function formatPgx(url: DatabaseUrl): string {
  const { sslrootcert, ...others } = url.params;
  const params = expressParams(DRIVER, sslrootcert === "system" ? { ...others, sslmode: sslModeOf(url.params) } : url.params, PGX_RULES);
  if (url.hosts.every(({ host }) => /^[\w.:-]+$/.test(host))) return buildDatabaseUrl({ ...url, params });
  if (url.hosts.some(({ host }) => host === "") && url.hosts.length > 1) throw notExpressible(DRIVER, "an empty host beside others", "name every host");
  const hosts = url.hosts.map(({ host }) => host).join(",");
  const pairs = [hosts === "" ? "" : `host=${encodePart(hosts, "host")}`, `port=${encodePart(url.hosts.map(({ port }) => port).join(","), "port")}`, queryOf(params).slice(1)];
  const credentials = url.user === undefined && url.password === undefined ? "" : `${encodePart(url.user ?? "", "user")}${url.password === undefined ? "" : `:${encodePart(url.password, "password")}`}@`;
  return `postgresql://${credentials}/${url.database === undefined ? "" : encodePart(url.database, "database")}?${pairs.filter((pair) => pair !== "").join("&")}`;
}
