import { encodeHost, queryOf } from "../build";
import type { DatabaseUrl } from "../database-url";
import { isSocketHost } from "../database-url";
import { encodePart } from "../percent-encoding";
import { NOTHING_TO_SAY, SAME, expressParams, notExpressible } from "./express";
import type { ParameterRule } from "./express";

const DRIVER = "jdbc";

/** pgjdbc 42.7 (org.postgresql.PGProperty). Its six ssl modes mean what libpq's do. */
export const JDBC_RULES: Readonly<Record<string, ParameterRule>> = {
  ...NOTHING_TO_SAY,
  application_name: { as: "ApplicationName" },
  channel_binding: { as: "channelBinding" },
  connect_timeout: { as: "connectTimeout" },
  gssencmode: { as: "gssEncMode" },
  keepalives: { as: "tcpKeepAlive", values: { 0: "false", 1: "true" } },
  krbsrvname: { as: "kerberosServerName" },
  load_balance_hosts: { as: "loadBalanceHosts", values: { random: "true" }, omit: ["disable"] },
  options: SAME,
  replication: SAME,
  sslcert: SAME,
  sslkey: SAME,
  sslmode: SAME,
  sslnegotiation: { as: "sslNegotiation" },
  sslpassword: SAME,
  sslrootcert: SAME,
  target_session_attrs: {
    as: "targetServerType",
    values: { any: "any", primary: "primary", "read-write": "primary", standby: "secondary", "read-only": "secondary", "prefer-standby": "preferSecondary" },
  },
};

/**
 * `jdbc:postgresql://host:port,…/database?user=…&password=…`. A plus and a space are percent-encoded, because pgjdbc reads a plus as a space.
 * `sslkey` must name a PKCS-8 or PKCS-12 file for pgjdbc. Refused: Unix sockets, hostaddr, and what has no property.
 */
export function formatJdbc({ hosts, user, password, database, params }: DatabaseUrl): string {
  if (hosts.some(({ host }) => isSocketHost(host))) throw notExpressible(DRIVER, "a Unix socket", "name a host that listens on TCP, e.g. localhost");
  const { sslrootcert, ...others } = params;
  const trust: Record<string, string> = {};
  // Java's own trust store is its word for the system's authorities; sslmode keeps checking the host name.
  if (sslrootcert === "system") Object.assign(trust, { sslmode: "verify-full", sslfactory: "org.postgresql.ssl.DefaultJavaSSLFactory" });
  else if (sslrootcert !== undefined) trust["sslrootcert"] = sslrootcert;

  const servers = hosts.map(({ host, port }) => `${encodeHost(host)}:${port}`).join(",");
  const query = { ...expressParams(DRIVER, others, JDBC_RULES), ...trust };
  const credentials = [["user", user], ["password", password]].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodePart(value, String(name))}`]));
  const text = [...credentials, queryOf(query).slice(1)].filter((part) => part !== "").join("&");
  return `jdbc:postgresql://${servers}/${database === undefined ? "" : encodePart(database, "database")}${text === "" ? "" : `?${text}`}`;
}
