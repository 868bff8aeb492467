/** HTTPS. */
export const CLICKHOUSE_HTTPS_PORT = 8443;
/** ClickHouse's own protocol, over TLS. */
export const CLICKHOUSE_NATIVE_PORT = 9440;

/** Where the server finds its key and certificate, in one file. */
export const TLS_FILE = "/etc/clickhouse-server/tls/server.pem";

/** Ports of the image's own configuration that speak without TLS, or to other servers. */
const PLAIN_PORTS = ["http_port", "tcp_port", "mysql_port", "postgresql_port", "interserver_http_port"] as const;

/**
 * `config.d/bulkhead.xml`: laid over the image's own configuration. Two ports, both with TLS 1.2 or newer; logs to the console, from where they go to Cloud Logging; nobody reads what
 * was not granted, system tables included.
 */
export function renderServerConfig(): string {
  return `<clickhouse>
${PLAIN_PORTS.map((port) => `  <${port} remove="1"/>`).join("\n")}
  <https_port>${CLICKHOUSE_HTTPS_PORT}</https_port>
  <tcp_port_secure>${CLICKHOUSE_NATIVE_PORT}</tcp_port_secure>
  <listen_host replace="1">0.0.0.0</listen_host>
  <openSSL>
    <server replace="1">
      <certificateFile>${TLS_FILE}</certificateFile>
      <privateKeyFile>${TLS_FILE}</privateKeyFile>
      <verificationMode>none</verificationMode>
      <disableProtocols>sslv2,sslv3,tlsv1,tlsv1_1</disableProtocols>
      <preferServerCiphers>true</preferServerCiphers>
    </server>
  </openSSL>
  <logger replace="1">
    <level>information</level>
    <console>1</console>
  </logger>
  <access_control_improvements replace="1">
    <users_without_row_policies_can_read_rows>false</users_without_row_policies_can_read_rows>
    <on_cluster_queries_require_cluster_grant>true</on_cluster_queries_require_cluster_grant>
    <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
    <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
    <settings_constraints_replace_previous>true</settings_constraints_replace_previous>
  </access_control_improvements>
  <max_server_memory_usage_to_ram_ratio>0.8</max_server_memory_usage_to_ram_ratio>
</clickhouse>
`;
}
