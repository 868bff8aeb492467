import { quoteIdentifier } from "../postgres/identifier";

/**
 * The rules that provisioning makes true and validation checks again from the inside. The ids are stable: they stand in reports, and
 * `docs/rules.md` has a section for each.
 */
export const PROVISION_RULES = {
  "role-exists": "every role of the compartment exists",
  "role-attributes": "roles can log in only where the plan says so, and none is SUPERUSER, CREATEDB, CREATEROLE, REPLICATION or BYPASSRLS",
  "role-connection-limit": "every login has its CONNECTION LIMIT",
  "role-membership": "roles are members of nothing but what the plan says, and nobody else is a member of them",
  "role-settings": "timeouts and search_path are set on the role, and nothing else is",
  "database-exists": "the database exists and takes connections",
  "database-owner": "the compartment's owner role owns the database",
  "database-connection-limit": "the database has the compartment's budget as its CONNECTION LIMIT",
  "database-privileges": "PUBLIC and other services' roles have no right on the database",
  "database-settings": "the database overrides no setting",
  "schema-privileges": "PUBLIC has no right on any schema, the service's roles have USAGE only",
  "default-privileges": "future objects get the right privileges, and no others",
  "object-owner": "the compartment's owner role owns every object",
  "object-privileges": "every table, sequence and function has the planned privileges, and no others",
  "column-privileges": "no privilege hangs on a single column",
  extension: "the planned extensions are there",
  "own-statements": "pg_stat_statements can be read through bulkhead.statements only, which shows a service its own",
} as const;

export type ProvisionRule = keyof typeof PROVISION_RULES;

/** One SQL statement of a change. */
export interface Statement {
  readonly sql: string;
  /** Role that runs it, by SET ROLE; default: the admin. */
  readonly as?: string;
}

/** A difference between plan and server, with what mends it. */
export interface Change {
  readonly rule: ProvisionRule;
  /** The service whose compartment it is about, or `tier`. */
  readonly service: string;
  /** The database to run the statements in, or null for the agreed one. */
  readonly database: string | null;
  /** What is different, as a sentence about the server as it is. */
  readonly finding: string;
  readonly statements: readonly Statement[];
  /** Only somebody with more rights than the admin can mend it: it is reported, not applied. */
  readonly manual?: true;
}

/** The statements of a change as one text that a person could paste. */
export function sqlOf({ statements }: Change): string {
  return statements.map(({ sql, as }) => (as === undefined ? `${sql};` : `SET ROLE ${quoteIdentifier(as)}; ${sql}; RESET ROLE;`)).join(" ");
}
