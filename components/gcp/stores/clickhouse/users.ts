import { escapeXml, quoteIdentifier } from "./xml";

/** A user of ClickHouse: a service, with one database of its own. */
export interface ClickHouseUser {
  /** Name of the user, and of its quota: the service's. */
  readonly name: string;
  /** Its database. */
  readonly database: string;
}

/** What one service may use, so that none starves the others. */
const QUOTA = {
  /** Seconds that the figures are counted over. */
  durationSeconds: 3600,
  queries: 36_000,
  errors: 3_600,
  /** Rows that all queries read together. */
  readRows: 10_000_000_000,
  /** Seconds of all queries together. */
  executionSeconds: 7_200,
} as const;

const LIMITS = {
  /** 4 GiB: half of the default machine. */
  maxMemoryBytesForUser: 4 * 1024 ** 3,
  maxQuerySeconds: 600,
  maxConcurrentQueries: 50,
} as const;

/** Names of catalog services; hyphens become underscores, as in Postgres. */
export function clickHouseUser(service: string): ClickHouseUser {
  const name = service.replaceAll("-", "_");
  return { name, database: name };
}

/**
 * A name that is an XML element here. The catalog's names pass; all others are refused, since an element's name cannot be escaped.
 *
 * @throws Error
 */
function elementName(name: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name) || name === "default") throw new Error(`${JSON.stringify(name)} cannot be the name of a ClickHouse user`);
  return name;
}

/**
 * `users.d/bulkhead.xml`: a user a service, without its password, which the machine adds from Secret Manager; the image's user `default`, who has none,
 * is removed. With `grants` a user has nothing but what is in them: all within its own database, nothing of what reaches files, other servers or other users.
 */
export function renderUsers(users: readonly ClickHouseUser[]): string {
  const each = (render: (name: string, user: ClickHouseUser) => string): string => users.map((user) => render(elementName(user.name), user)).join("\n");
  return `<clickhouse>
  <users>
    <default remove="1"/>
${each(
  (name, { database }) => `    <${name}>
      <networks><ip>10.0.0.0/8</ip><ip>172.16.0.0/12</ip><ip>192.168.0.0/16</ip></networks>
      <profile>bulkhead_service</profile>
      <quota>${name}</quota>
      <default_database>${escapeXml(database)}</default_database>
      <access_management>0</access_management>
      <grants><query>${escapeXml(`GRANT ALL ON ${quoteIdentifier(database)}.*`)}</query></grants>
    </${name}>`,
)}
  </users>
  <profiles>
    <bulkhead_service>
      <max_memory_usage_for_user>${LIMITS.maxMemoryBytesForUser}</max_memory_usage_for_user>
      <max_execution_time>${LIMITS.maxQuerySeconds}</max_execution_time>
      <max_concurrent_queries_for_user>${LIMITS.maxConcurrentQueries}</max_concurrent_queries_for_user>
      <constraints>
        <max_memory_usage_for_user><readonly/></max_memory_usage_for_user>
        <max_execution_time><max>${LIMITS.maxQuerySeconds}</max></max_execution_time>
        <max_concurrent_queries_for_user><readonly/></max_concurrent_queries_for_user>
      </constraints>
    </bulkhead_service>
  </profiles>
  <quotas>
${each(
  (name) => `    <${name}><interval>
      <duration>${QUOTA.durationSeconds}</duration>
      <queries>${QUOTA.queries}</queries>
      <errors>${QUOTA.errors}</errors>
      <result_rows>0</result_rows>
      <read_rows>${QUOTA.readRows}</read_rows>
      <execution_time>${QUOTA.executionSeconds}</execution_time>
    </interval></${name}>`,
)}
  </quotas>
</clickhouse>
`;
}

/**
 * `config.d/databases.xml`: the databases, made by the server itself when it starts (ClickHouse 24.8 or newer), so that there is no administrator whom somebody
 * could log in as. A server that cannot make them does not start.
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
