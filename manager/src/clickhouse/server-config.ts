import { rootElement } from "./dialect";
import type { ClickHouseDialect } from "./dialect";
import { escapeXml } from "./quoting";

/** HTTPS. */
export const CLICKHOUSE_HTTPS_PORT = 8443;
/** ClickHouse's own protocol, over TLS. */
export const CLICKHOUSE_NATIVE_PORT = 9440;

/** PEM files; one file may hold both. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface ServerConfigOptions {
  readonly dialect: ClickHouseDialect;
  /** Addresses to listen on; one that the machine does not have is passed over. */
  readonly listenHosts: readonly string[];
  readonly httpsPort: number;
  /** The server reads them again by itself when they change, from 22.x on. */
  readonly tls: TlsFiles;
  /** Folder of tables and everything else that is kept. Absolute, as all paths here. */
  readonly dataDirectory: string;
  /** The file with `renderBaseUsers`; the folder `users.d` beside it is read with it. Its name has to be `users.xml` for that. */
  readonly usersFile: string;
  /** Null: to the console. Else a file of at most 10 MiB, with one older one beside it. */
  readonly logFile: string | null;
  /** The most that all queries and caches together take, on servers from 20.4 on. */
  readonly maxMemoryBytes: number;
}

/** A list of hosts without any: nobody makes the server call another one, whatever else lets them. Old servers do not know it. */
const NO_OTHER_SERVERS = "<remote_url_allow_hosts></remote_url_allow_hosts>";

/** Ports of an image's own configuration that speak without TLS, or to other servers. */
const PLAIN_PORTS = ["http_port", "tcp_port", "mysql_port", "postgresql_port", "interserver_http_port"] as const;

/**
 * A whole `config.xml`, for a server that is started with it and with nothing else: one port, HTTPS with TLS 1.2 or newer; no system tables that keep queries; texts within queries masked in the log (by servers from 19.17 on; an older one
 * writes a query that fails to it in whole).
 */
export function renderServerConfig({ dialect, listenHosts, httpsPort, tls, dataDirectory, usersFile, logFile, maxMemoryBytes }: ServerConfigOptions): string {
  const root = rootElement(dialect);
  const folder = (name: string): string => escapeXml(`${dataDirectory.replace(/\/*$/, "")}/${name}`);
  return `<${root}>
  <https_port>${httpsPort}</https_port>
${listenHosts.map((host) => `  <listen_host>${escapeXml(host)}</listen_host>`).join("\n")}
  <listen_try>1</listen_try>
  <openSSL>
    <server>
${tlsSettings(tls)}
      <loadDefaultCAFile>false</loadDefaultCAFile>
    </server>
  </openSSL>
  <logger>
    <level>information</level>
${logFile === null ? "    <console>1</console>" : `    <log>${escapeXml(logFile)}</log>\n    <size>10M</size>\n    <count>1</count>`}
  </logger>
  <query_masking_rules>
    <rule><name>texts</name><regexp>${escapeXml(String.raw`'(?:[^'\\]|\\.)*'`)}</regexp><replace>${escapeXml("'?'")}</replace></rule>
  </query_masking_rules>
  <path>${folder("")}</path>
  <tmp_path>${folder("tmp/")}</tmp_path>
  <user_files_path>${folder("user_files/")}</user_files_path>
  <format_schema_path>${folder("format_schemas/")}</format_schema_path>
  <users_config>${escapeXml(usersFile)}</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <timezone>UTC</timezone>
  <max_connections>256</max_connections>
  <max_concurrent_queries>100</max_concurrent_queries>
  <keep_alive_timeout>10</keep_alive_timeout>
  <max_server_memory_usage>${maxMemoryBytes}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>16777216</uncompressed_cache_size>
  <mlock_executable>false</mlock_executable>
  <core_dump><size_limit>0</size_limit></core_dump>
  <send_crash_reports><enabled>false</enabled></send_crash_reports>
  ${NO_OTHER_SERVERS}
${dialect === "grants" ? accessControl("") : ""}</${root}>
`;
}

/** `users.xml` beside that: no users, and the empty profile that the server itself needs. */
export function renderBaseUsers(dialect: ClickHouseDialect): string {
  const root = rootElement(dialect);
  return `<${root}>\n  <profiles><default></default></profiles>\n  <users></users>\n  <quotas></quotas>\n</${root}>\n`;
}

/**
 * A file of `config.d`, laid over the configuration of an image with `grants`: HTTPS and ClickHouse's own protocol, both with TLS 1.2 or newer; logs to the console; nobody reads what was not granted, system tables included.
 */
export function renderServerOverlay(tls: TlsFiles): string {
  return `<clickhouse>
${PLAIN_PORTS.map((port) => `  <${port} remove="1"/>`).join("\n")}
  <https_port>${CLICKHOUSE_HTTPS_PORT}</https_port>
  <tcp_port_secure>${CLICKHOUSE_NATIVE_PORT}</tcp_port_secure>
  <listen_host replace="1">0.0.0.0</listen_host>
  <openSSL>
    <server replace="1">
${tlsSettings(tls)}
    </server>
  </openSSL>
  ${NO_OTHER_SERVERS}
  <logger replace="1">
    <level>information</level>
    <console>1</console>
  </logger>
${accessControl(' replace="1"')}  <max_server_memory_usage_to_ram_ratio>0.8</max_server_memory_usage_to_ram_ratio>
</clickhouse>
`;
}

function tlsSettings({ certificate, key }: TlsFiles): string {
  return `      <certificateFile>${escapeXml(certificate)}</certificateFile>
      <privateKeyFile>${escapeXml(key)}</privateKeyFile>
      <verificationMode>none</verificationMode>
      <disableProtocols>sslv2,sslv3,tlsv1,tlsv1_1</disableProtocols>
      <preferServerCiphers>true</preferServerCiphers>`;
}

function accessControl(attribute: string): string {
  return `  <access_control_improvements${attribute}>
    <users_without_row_policies_can_read_rows>false</users_without_row_policies_can_read_rows>
    <on_cluster_queries_require_cluster_grant>true</on_cluster_queries_require_cluster_grant>
    <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
    <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
    <settings_constraints_replace_previous>true</settings_constraints_replace_previous>
  </access_control_improvements>
`;
}
