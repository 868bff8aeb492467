import { elementName } from "../../../../manager/src/clickhouse/names";
import type { ClickHouseUser } from "../../../../manager/src/clickhouse/names";
import { escapeXml, quoteIdentifier } from "../../../../manager/src/clickhouse/quoting";

/** Where the server finds its key and certificate, in one file. */
export const TLS_FILE = "/etc/clickhouse-server/tls/server.pem";

/**
 * `config.d/databases.xml`: the databases, made by the server itself when it starts (ClickHouse 24.8 or newer), since whoever sets the stack up may not reach it.
 * A server that cannot make them does not start.
 */
export function renderDatabases(users: readonly ClickHouseUser[]): string {
  const scripts = users.map(({ database }) => `    <scripts><query>${escapeXml(`CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(database)}`)}</query></scripts>`);
  return `<clickhouse>
  <startup_scripts>
    <throw_on_error>true</throw_on_error>
${scripts.join("\n")}
  </startup_scripts>
</clickhouse>
`;
}

/** For the machine: a line a user, its name and the id of the secret with its password's hash. */
export function renderHashSources(users: readonly ClickHouseUser[], secretOf: (user: ClickHouseUser) => string): string {
  return users
    .map((user) => {
      const secret = secretOf(user);
      if (!/^[A-Za-z0-9_-]{1,255}$/.test(secret)) throw new Error(`${JSON.stringify(secret)} is no id of a secret`);
      return `${elementName(user.name)} ${secret}\n`;
    })
    .join("");
}
