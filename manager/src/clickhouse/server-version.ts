import { BulkheadError } from "../errors/bulkhead-error";
import type { StoreEndpoint } from "../stores/store-secret";
import { ClickHouseException, clickHouseRequest } from "./request";

/**
 * The server's version, asked for without a login: servers say it when they refuse one. Those that do not are older than 20.x, and count as `18`.
 *
 * @throws BulkheadError `CLICKHOUSE_…`
 */
export async function serverVersion(endpoint: StoreEndpoint, signal?: AbortSignal): Promise<string> {
  try {
    // Let in only where `default` is not locked yet.
    return (await clickHouseRequest(endpoint, { sql: "SELECT version()", login: null, signal })).text.trim();
  } catch (error) {
    if (!(error instanceof ClickHouseException)) throw error;
    const version = /\(version (\d+\.\d+[\d.]*)/.exec(error.message)?.[1];
    if (version !== undefined) return version;
    if (error.message.includes("e.displayText()")) return "18";
    throw new BulkheadError("CLICKHOUSE_VERSION", `ClickHouse at ${endpoint.host}:${endpoint.port} does not say which version it is: ${error.message}`, { hint: "use a release of ClickHouse from 23.8 on" });
  }
}
