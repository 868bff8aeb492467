import { createHash } from "node:crypto";

import { rootElement } from "./dialect";
import type { ClickHouseDialect } from "./dialect";
import { profileSettings } from "./limits";
import type { ClickHouseLimits } from "./limits";
import { elementName } from "./names";
import type { ClickHouseUser } from "./names";
import { escapeXml, quoteIdentifier } from "./quoting";

/** A user as the server's files have it. */
export interface UserEntry extends ClickHouseUser {
  /** SHA-256 of the password, in hexadecimal digits. Absent: another file of the folder has it, and whoever reads this one learns nothing. */
  readonly passwordSha256?: string;
}

export interface UsersOptions {
  readonly dialect: ClickHouseDialect;
  /** Addresses and networks that users may come from, e.g. `10.0.0.0/8`. */
  readonly networks: readonly string[];
  readonly limits: ClickHouseLimits;
}

/** Private networks: where a cloud's or Docker's machines call from. */
export const PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] as const;
export const LOOPBACK = ["127.0.0.1", "::1"] as const;

const PROFILE = "bulkhead_service";
/**
 * Carries the mark by which a server shows, to any of the users, which file it works with. It bounds what a distributed subquery sends to other servers; from 4 EiB on it bounds nothing. Servers of every version have it.
 */
export const MARK_SETTING = "max_bytes_to_transfer";

/**
 * The file of `users.d` with a user a service. It replaces all users of the files before it, among them `default`, who has no password. With `grants` a user has nothing but what is in them: all within its own database,
 * nothing of what reaches files, other servers or other users. No user has a default database: the server would let nobody in before it exists, not even to make it.
 *
 * @throws BulkheadError `CLICKHOUSE_NAME`
 */
export function renderUsers(users: readonly UserEntry[], options: UsersOptions): string {
  const content = render(users, options, "");
  return render(users, options, markOf(content));
}

/** The mark in a rendered file; undefined where there is none. */
export function usersMark(text: string): string | undefined {
  return new RegExp(`<${MARK_SETTING}>(\\d+)</${MARK_SETTING}>`).exec(text)?.[1];
}

/** 2⁶² and above. */
function markOf(content: string): string {
  return String(2n ** 62n + BigInt(`0x${createHash("sha256").update(content).digest("hex").slice(0, 12)}`));
}

/** An execution time of 0 would be one without end, so it has a lower bound too. */
function render(users: readonly UserEntry[], { dialect, networks, limits }: UsersOptions, mark: string): string {
  const root = rootElement(dialect);
  const each = (write: (name: string, user: UserEntry) => string): string => users.map((user) => write(elementName(user.name), user)).join("\n");
  const sources = networks.map((network) => `<ip>${escapeXml(network)}</ip>`).join("");
  const settings = { ...profileSettings(limits), ...(mark === "" ? {} : { [MARK_SETTING]: mark }) };
  const lines = (write: (name: string, value: string) => string): string => Object.entries(settings).map(([name, value]) => write(name, value)).join("\n");
  const { quota } = limits;
  return `<${root}>
  <users replace="1">
${each(
  (name, user) => `    <${name}>
${user.passwordSha256 === undefined ? "" : `      <password_sha256_hex>${hash(user.passwordSha256)}</password_sha256_hex>\n`}      <networks>${sources}</networks>
      <profile>${PROFILE}</profile>
      <quota>${name}</quota>
      <access_management>0</access_management>
      ${rights(dialect, user)}
    </${name}>`,
)}
  </users>
  <profiles>
    <${PROFILE}>
${lines((name, value) => `      <${name}>${value}</${name}>`)}
${dialect === "grants" ? `      <constraints>\n${lines((name, value) => `        <${name}>${name === "max_execution_time" ? `<min>1</min><max>${value}</max>` : "<readonly/>"}</${name}>`)}\n      </constraints>\n` : ""}    </${PROFILE}>
  </profiles>
  <quotas>
${each(
  (name) => `    <${name}><interval>
      <duration>${quota.durationSeconds}</duration>
      <queries>${quota.queries}</queries>
      <errors>${quota.errors}</errors>
      <result_rows>0</result_rows>
      <read_rows>${quota.readRows}</read_rows>
      <execution_time>${quota.executionSeconds}</execution_time>
    </interval></${name}>`,
)}
  </quotas>
</${root}>
`;
}

/** A server with grants refuses a user who has both. */
function rights(dialect: ClickHouseDialect, { database }: ClickHouseUser): string {
  if (dialect === "allow-databases") return `<allow_databases><database>${escapeXml(database)}</database></allow_databases>`;
  // A dictionary's source, which may be any address, is read by the server itself; no privilege is asked for it.
  const queries = ["GRANT ALL", "REVOKE CREATE DICTIONARY"].map((what) => `<query>${escapeXml(`${what} ON ${quoteIdentifier(database)}.*`)}</query>`);
  return `<grants>${queries.join("")}</grants>`;
}

function hash(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error("a password's hash is not a SHA-256 in hexadecimal digits");
  return text;
}
