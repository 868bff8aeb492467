import { PROVISION_RULES } from "../provision/change";

/**
 * The rules that only a live session can prove, by doing what a service does and by trying what it must not be able to do. The ids are
 * stable: they stand in reports, and `docs/rules.md` has a section for each.
 */
export const LIVE_RULES = {
  "secret-whole": "every login has a secret that is whole, and its URL says the same as its fields",
  login: "every login gets in with exactly its secret",
  identity: "the session is whom the secret names, in the database that it names; the migrator acts as the owner",
  "tls-session": "sessions are encrypted with TLS 1.2 or newer, and one without TLS is refused",
  "tls-certificate": "the server's certificate is from the secret's authority and for the secret's host, and for no other",
  "session-settings": "timeouts and search_path hold in the session",
  "schema-version": "every migration of the service is applied, and none is edited, missing or failed",
  "table-access": "the service can read and write every table, the readonly login can read every one",
  "write-probe": "the migrator can make a table that the service may use at once, and write into it; all rolled back",
  "standby-login": "the other login of the pair does not take the live one's password",
  "no-foreign-database": "no login can connect to a database that is not its own",
  "no-create": "service and readonly login cannot create anything, the migrator nothing outside its own schemas",
  "no-temporary-tables": "service and readonly login cannot create temporary tables",
  "no-schema-change": "service and readonly login can neither alter nor truncate a table",
  "readonly-cannot-write": "the readonly login cannot write, in a read-write transaction neither",
  "no-history-write": "service and readonly login cannot write the migration history",
  "no-set-role": "no login can act as a role from outside its place in the compartment",
  "no-session-authorization": "no login can become another one",
  "no-server-control": "no login can make roles or databases, or steer the server",
  "no-server-files": "no login can read or write files of the server, or run programs there",
  "no-role-secrets": "no login can read password verifiers or the secrets of foreign servers",
  "no-foreign-statements": "a login sees its own database's statements in the statistics, and no other's",
  "no-foreign-activity": "a login does not see what others run at the moment",
  "no-foreign-signals": "a login cannot cancel or end the sessions of others",
  "definer-functions": "every SECURITY DEFINER function has its search_path pinned",
  "no-compartment": "a service without a database has no role, no database and no secret",
} as const;

export type LiveRule = keyof typeof LIVE_RULES;

/** What holds in the stores beside the database, for services that ask for one. */
export const STORE_RULES = {
  "redis-access": "the service reads and writes what is under its prefix in Redis, over TLS",
  "redis-no-foreign-keys": "the service can neither read nor write what is under another prefix in Redis",
  "redis-no-admin": "the service cannot list, flush, configure or watch Redis",
  "redis-no-anonymous": "nobody gets into Redis without a password, with a wrong one, or without TLS",
  "clickhouse-access": "the service makes, fills and reads tables of its own database in ClickHouse, over TLS",
  "clickhouse-no-foreign-database": "the service can neither read nor change another database in ClickHouse",
  "clickhouse-no-admin": "the service can neither steer ClickHouse nor reach its users, files or other servers",
  "clickhouse-limits": "the service's quota and limits in ClickHouse are in force, and it cannot raise them",
  "clickhouse-no-anonymous": "nobody gets into ClickHouse without a password, with a wrong one, or without TLS",
} as const;

export type StoreRule = keyof typeof STORE_RULES;

/** Every rule with its meaning, in the order of reports. */
export const RULES = { ...PROVISION_RULES, ...LIVE_RULES, ...STORE_RULES } as const;

export type Rule = keyof typeof RULES;

export const RULE_IDS = Object.keys(RULES) as readonly Rule[];
