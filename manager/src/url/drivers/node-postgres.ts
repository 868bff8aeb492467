import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { DatabaseHost, DatabaseUrl } from "../database-url";
import { DatabaseUrlError } from "../database-url";
import { sslModeOf } from "../parameters";
import { NOTHING_TO_SAY, SAME, expressParams, notExpressible } from "./express";
import type { ParameterRule } from "./express";

const DRIVER = "node-postgres";

/** What node-postgres 8.23 takes for TLS: options of `tls.connect`. */
export interface NodePostgresSsl {
  /** False: the certificate is not checked at all. */
  readonly rejectUnauthorized: boolean;
  /** The authority's certificates as PEM; left out: those that Node trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Opens `key`. */
  readonly passphrase?: string;
  readonly crl?: string;
  readonly minVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  readonly maxVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  /** The name in the certificate, where the socket goes to a `hostaddr`. */
  readonly servername?: string;
  /** Present where the host name is not to be checked. */
  readonly checkServerIdentity?: () => undefined;
}

/** A `ClientConfig` of node-postgres 8.23 for one server. */
export interface NodePostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** False: plain text. */
  readonly ssl: false | NodePostgresSsl;
  readonly sslnegotiation?: "postgres" | "direct";
  readonly application_name?: string;
  readonly fallback_application_name?: string;
  readonly options?: string;
  readonly replication?: string;
  readonly enableChannelBinding?: boolean;
  /** Milliseconds; left out: no limit of the driver's. */
  readonly connectionTimeoutMillis?: number;
  /** True unless the URL says `keepalives=0`: libpq's default, node-postgres' own is false. */
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelayMillis?: number;
}

/** What the rules let pass; TLS, timeouts and keep-alive are read apart because they are no strings in node-postgres. */
const RULES: Readonly<Record<string, ParameterRule>> = {
  ...NOTHING_TO_SAY,
  application_name: SAME,
  fallback_application_name: SAME,
  options: SAME,
  replication: SAME,
  sslnegotiation: SAME,
};
const READ_APART = new Set([
  "hostaddr", "channel_binding", "connect_timeout", "keepalives", "keepalives_idle", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl",
  "sslcertmode", "ssl_min_protocol_version", "ssl_max_protocol_version",
]);

/**
 * A `ClientConfig` for node-postgres, whose `ssl` keeps libpq's meaning of the mode: `disable` and `allow` start in plain text, `prefer` and `require`
 * encrypt without checking, `verify-ca` checks the certificate but not the host name, `verify-full` checks both; a certificate of an authority
 * (`sslrootcert`) is checked in every mode that encrypts, as libpq does. Without sslmode it is plain text, as node-postgres' own default: libpq's is `prefer`, which
 * promises nothing. node-postgres makes one attempt: for the second of `prefer` and `allow`, and for several hosts, use `connectionAttempts`.
 *
 * Reads the files that the URL names (`DATABASE_URL_FILE` where it cannot), and none from the home folder. `sslrootcert=system`, and verify-full
 * without sslrootcert, trust the authorities that Node trusts. Refused: several hosts, target_session_attrs other than any, and what has no option.
 */
export function formatNodePostgres(url: DatabaseUrl): NodePostgresConfig {
  const [server, ...more] = url.hosts;
  if (server === undefined || more.length > 0) throw notExpressible(DRIVER, "several hosts", "use connectionAttempts(url), which gives one configuration per host");
  const mode = url.params["sslmode"] === undefined && url.params["sslrootcert"] === undefined ? "disable" : sslModeOf(url.params);
  return configFor(url, server, 0, mode !== "disable" && mode !== "allow");
}

/**
 * The configurations that libpq would try, in its order: each host, and per host for `prefer` (the default) first with TLS and then without, for `allow` the
 * other way round. Unix sockets are never encrypted. Stop at the first that connects, or that fails at the login.
 */
export function connectionAttempts(url: DatabaseUrl): NodePostgresConfig[] {
  const mode = sslModeOf(url.params);
  const encrypted = mode === "disable" ? [false] : mode === "prefer" ? [true, false] : mode === "allow" ? [false, true] : [true];
  return url.hosts.flatMap((server, index) => (server.host.startsWith("/") ? [false] : encrypted).map((tls) => configFor(url, server, index, tls)));
}

function configFor(url: DatabaseUrl, server: DatabaseHost, index: number, encrypt: boolean): NodePostgresConfig {
  const { params } = url;
  const address = params["hostaddr"]?.split(",")[index] ?? "";
  const host = address === "" ? server.host : address;
  if (host === "") throw notExpressible(DRIVER, "libpq's default socket folder", "name a host, e.g. localhost or %2Fvar%2Frun%2Fpostgresql");
  if (host.startsWith("@")) throw notExpressible(DRIVER, "a socket in the abstract namespace", "name the socket's folder, or a host");
  const apart = Object.fromEntries(Object.entries(params).filter(([name]) => !READ_APART.has(name)));
  const ssl = encrypt && !host.startsWith("/") ? sslOptions(params, address === "" || isIP(server.host) !== 0 ? "" : server.host) : false;
  const seconds = Number(params["connect_timeout"] ?? 0);
  const idleSeconds = Number(params["keepalives_idle"] ?? 0);
  return {
    host,
    port: server.port,
    ...(url.user === undefined ? {} : { user: url.user }),
    ...(url.password === undefined ? {} : { password: url.password }),
    ...(url.database === undefined ? {} : { database: url.database }),
    ssl,
    ...expressParams(DRIVER, apart, RULES),
    ...channelBinding(params["channel_binding"]),
    ...(seconds > 0 ? { connectionTimeoutMillis: seconds * 1000 } : {}),
    keepAlive: Number(params["keepalives"] ?? 1) !== 0,
    ...(idleSeconds > 0 ? { keepAliveInitialDelayMillis: idleSeconds * 1000 } : {}),
  };
}

function channelBinding(value: string | undefined): { enableChannelBinding?: boolean } {
  if (value === "require") throw notExpressible(DRIVER, "channel_binding=require, since it falls back to none", "use channel_binding=prefer with sslmode=verify-full");
  return value === undefined ? {} : { enableChannelBinding: value === "prefer" };
}

function sslOptions(params: Readonly<Record<string, string>>, servername: string): NodePostgresSsl {
  const mode = sslModeOf(params);
  const root = params["sslrootcert"];
  if (mode === "verify-ca" && root === undefined) {
    throw notExpressible(DRIVER, "sslmode=verify-ca without sslrootcert (every certificate of a public authority would pass)", "name the authority's file as sslrootcert, or use sslmode=verify-full");
  }
  const certmode = params["sslcertmode"] ?? "allow";
  if (certmode === "require") throw notExpressible(DRIVER, "sslcertmode=require", "use sslcertmode=allow, and let the server ask for the certificate");
  const checked = mode.startsWith("verify-") || root !== undefined;
  const { sslcert, sslkey, sslpassword, sslcrl } = params;
  const client = certmode === "disable" ? {} : {
    ...(sslcert === undefined ? {} : { cert: readPem("sslcert", sslcert) }),
    ...(sslkey === undefined ? {} : { key: readPem("sslkey", sslkey) }),
    ...(sslpassword === undefined ? {} : { passphrase: sslpassword }),
  };
  return {
    rejectUnauthorized: checked,
    ...(root === undefined || root === "system" ? {} : { ca: readPem("sslrootcert", root) }),
    ...client,
    ...(sslcrl === undefined ? {} : { crl: readPem("sslcrl", sslcrl) }),
    ...tlsVersion("minVersion", params["ssl_min_protocol_version"]),
    ...tlsVersion("maxVersion", params["ssl_max_protocol_version"]),
    ...(servername === "" ? {} : { servername }),
    ...(checked && mode !== "verify-full" ? { checkServerIdentity: () => undefined } : {}),
  };
}

function tlsVersion(name: "minVersion" | "maxVersion", value: string | undefined): Pick<NodePostgresSsl, "minVersion" | "maxVersion"> {
  return value === undefined || value === "" ? {} : { [name]: value.replace(/^tlsv/i, "TLSv") };
}

function readPem(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code = "error" } = cause as NodeJS.ErrnoException;
    throw new DatabaseUrlError("DATABASE_URL_FILE", `The file that "${parameter}" names cannot be read (${code}).`, { hint: `check the path in ${parameter}, and that this user may read the file` });
  }
}
