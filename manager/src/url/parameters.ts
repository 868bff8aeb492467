import type { DatabaseUrlDialect } from "./database-url";

/**
 * The parameters of libpq, PostgreSQL 18 (`PQconninfoOptions` in src/interfaces/libpq/fe-connect.c), without the five that have a field of their own
 * (host, port, user, password, dbname). 18 added min_protocol_version, max_protocol_version, servicefile, sslkeylogfile, scram_*_key and oauth_*.
 */
const LIBPQ = [
  "application_name", "channel_binding", "client_encoding", "connect_timeout", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib",
  "hostaddr", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts", "max_protocol_version",
  "min_protocol_version", "oauth_client_id", "oauth_client_secret", "oauth_issuer", "oauth_scope", "options", "passfile", "replication", "require_auth",
  "requirepeer", "scram_client_key", "scram_server_key", "service", "servicefile", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert",
  "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslkeylogfile", "sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "sslsni",
  "target_session_attrs", "tcp_user_timeout",
] as const;

/** What Prisma's engines read beside host, port, user, password and database (Prisma's documentation, "PostgreSQL connection URL"). */
const PRISMA = [
  "application_name", "channel_binding", "connect_timeout", "connection_limit", "max_connection_lifetime", "max_idle_connection_lifetime", "options", "pgbouncer",
  "pool_timeout", "schema", "single_use_connections", "socket_timeout", "sslaccept", "sslcert", "sslidentity", "sslmode", "sslpassword", "statement_cache_size",
] as const;

/** The connection properties of pgjdbc 42.7 (org.postgresql.PGProperty), without user, password and those of host and port. */
const JDBC = [
  "ApplicationName", "adaptiveFetch", "adaptiveFetchMaximum", "adaptiveFetchMinimum", "allowEncodingChanges", "assumeMinServerVersion", "authenticationPluginClassName",
  "autosave", "binaryTransfer", "binaryTransferDisable", "binaryTransferEnable", "cancelSignalTimeout", "channelBinding", "cleanupSavepoints", "connectTimeout",
  "currentSchema", "databaseMetadataCacheFields", "databaseMetadataCacheFieldsMiB", "defaultRowFetchSize", "disableColumnSanitiser", "escapeSyntaxCallMode",
  "groupStartupParameters", "gssEncMode", "gssResponseTimeout", "gsslib", "hideUnprivilegedObjects", "hostRecheckSeconds", "jaasApplicationName", "jaasLogin",
  "kerberosServerName", "loadBalanceHosts", "localSocketAddress", "logServerErrorDetail", "logUnclosedConnections", "loggerFile", "loggerLevel", "loginTimeout",
  "maxResultBuffer", "maxSendBufferSize", "options", "preferQueryMode", "preparedStatementCacheQueries", "preparedStatementCacheSizeMiB", "prepareThreshold",
  "protocolVersion", "queryTimeout", "quoteReturningIdentifiers", "reWriteBatchedInserts", "readOnly", "readOnlyMode", "receiveBufferSize", "replication", "requireAuth",
  "scramMaxIterations", "sendBufferSize", "service", "socketFactory", "socketFactoryArg", "socketTimeout", "ssl", "sslNegotiation", "sslResponseTimeout", "sslcert", "sslfactory",
  "sslfactoryarg", "sslhostnameverifier", "sslkey", "sslmode", "sslpassword", "sslpasswordcallback", "sslrootcert", "sspiServiceClass", "stringtype",
  "targetServerType", "tcpKeepAlive", "tcpNoDelay", "unknownLength", "useSpnego", "xmlFactoryFactory",
] as const;

/** The name of a parameter of libpq that has no field of its own in `DatabaseUrl`. */
export type LibpqParameter = (typeof LIBPQ)[number];

/** The parameters that each dialect accepts. */
export const PARAMETERS: Readonly<Record<DatabaseUrlDialect, ReadonlySet<string>>> = {
  libpq: new Set<string>(LIBPQ),
  prisma: new Set<string>([...LIBPQ, ...PRISMA]),
  jdbc: new Set<string>(JDBC),
};

/** The names under which the query of a URL may give what has a field of its own. */
export const FIELD_PARAMETERS: ReadonlySet<string> = new Set(["host", "port", "user", "password", "dbname"]);

/** Parameters whose value is a secret, of every dialect. */
export const SECRET_PARAMETERS: ReadonlySet<string> = new Set([
  "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key",
]);

/** Parameters of libpq that take one of few values (fe-connect.c, `pqConnectOptions2`). */
export const ALLOWED_VALUES: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ["disable", "prefer", "require"],
  gssencmode: ["disable", "prefer", "require"],
  load_balance_hosts: ["disable", "random"],
  sslcertmode: ["disable", "allow", "require"],
  sslmode: ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
  sslnegotiation: ["postgres", "direct"],
  target_session_attrs: ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
};

/** Parameters of libpq that take a C `int`; the value may have spaces around it and a sign. */
export const INTEGER_PARAMETERS: readonly string[] = ["connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"];

/** TLS versions in their order, as libpq writes them; it compares them without regard to case. */
export const TLS_VERSIONS: readonly string[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** The sslmode that holds: libpq's default is `prefer`, and `verify-full` where the roots are the system's (PostgreSQL 16). */
export function sslModeOf(params: Readonly<Record<string, string>>): string {
  return params["sslmode"] ?? (params["sslrootcert"] === "system" ? "verify-full" : "prefer");
}
