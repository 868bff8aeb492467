import { buildDatabaseUrl, queryOf } from "../build";
import type { DatabaseUrl } from "../database-url";
import { isSocketHost } from "../database-url";
import { sslModeOf } from "../parameters";
import { encodePart } from "../percent-encoding";
import { NOTHING_TO_SAY, SAME, expressParams, notExpressible } from "./express";
import type { ParameterRule } from "./express";

const DRIVER = "prisma";

const PRISMA_RULES: Readonly<Record<string, ParameterRule>> = {
  ...NOTHING_TO_SAY,
  application_name: SAME,
  channel_binding: SAME,
  connect_timeout: SAME,
  keepalives: { values: {}, omit: ["1"] },
  options: SAME,
  sslpassword: SAME,
};

/** Prisma's own parameters, which pass as they are. */
const OWN = new Set([
  "schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "sslidentity", "statement_cache_size", "single_use_connections",
  "max_connection_lifetime", "max_idle_connection_lifetime",
]);

/**
 * A URL for Prisma's engines. Prisma knows two questions, whether to use TLS (`sslmode`) and whether to check the certificate and its host name
 * (`sslaccept`), and calls the authority's file `sslcert`: verify-full becomes `sslmode=require&sslaccept=strict`, require becomes
 * `sslmode=require&sslaccept=accept_invalid_certs`. Refused: allow and verify-ca, client certificates (Prisma wants PKCS-12), several hosts.
 */
export function formatPrisma(url: DatabaseUrl): string {
  const own = Object.fromEntries(Object.entries(url.params).filter(([name]) => OWN.has(name)));
  const others = Object.fromEntries(Object.entries(url.params).filter(([name]) => !OWN.has(name) && name !== "sslmode" && name !== "sslrootcert"));
  const params = { ...own, ...expressParams(DRIVER, others, PRISMA_RULES), ...tlsOf(url) };
  const [first, ...more] = url.hosts;
  if (first === undefined || more.length > 0) throw notExpressible(DRIVER, "several hosts", "name one host, or a proxy that knows the primary");
  if (first.host === "") throw notExpressible(DRIVER, "the default socket", "name a host, e.g. localhost");
  if (!isSocketHost(first.host)) return buildDatabaseUrl({ ...url, params }, { dialect: "prisma" });
  // A socket's folder goes into the query; the host before it must be there and is ignored.
  const socket = `host=${encodePart(first.host, "host")}`;
  const base = buildDatabaseUrl({ ...url, hosts: [{ host: "localhost", port: first.port }], params: {} });
  return `${base}?${[socket, queryOf(params).slice(1)].filter((part) => part !== "").join("&")}`;
}

function tlsOf({ params }: DatabaseUrl): Record<string, string> {
  const mode = sslModeOf(params);
  const root = params["sslrootcert"];
  const authority: Record<string, string> = root === undefined || root === "system" ? {} : { sslcert: root };
  switch (mode) {
    case "disable":
      return { sslmode: "disable" };
    case "prefer":
      return params["sslmode"] === undefined ? {} : { sslmode: "prefer" };
    case "require":
      if (root !== undefined) throw notExpressible(DRIVER, "sslmode=require with sslrootcert (which checks the certificate but not its host name)", "use sslmode=verify-full");
      return { sslmode: "require", sslaccept: "accept_invalid_certs" };
    case "verify-full":
      return { sslmode: "require", sslaccept: "strict", ...authority };
    default:
      throw notExpressible(DRIVER, `sslmode=${mode}`, "use sslmode=verify-full");
  }
}
