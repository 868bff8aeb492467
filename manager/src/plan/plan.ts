/**
 * The plan: what must be true inside the server, as plain data. It can be printed in a preview, hashed into the anchor's input, sent to
 * a job inside a VPC, or compared with what is really there.
 */
export interface TierPlan {
  readonly version: 1;
  readonly tier: TierFacts;
  readonly compartments: readonly CompartmentPlan[];
}

/** What the plan needs to know of the server that it is for. */
export interface TierFacts {
  /** The login that provisions; CREATEROLE and CREATEDB, no superuser. */
  readonly admin: string;
  /** Database that new ones are cloned from: `template0`, or a template of the target's own that brings extensions along. */
  readonly template: string;
  /** `max_connections` of the server. */
  readonly maxConnections: number;
  /** Connections that no compartment may count on: Postgres' reserved ones, the provider's agents, an admin's own. */
  readonly reservedConnections: number;
  /** Extensions that every database has on this target beside those that it has everywhere. Default: none. */
  readonly extensions?: readonly string[];
  /**
   * Databases that the provider keeps for itself, whatever their ACL says: they are closed by the server's own rules for who may log in, which
   * validation tries, and nobody else can change a thing about them. Default: none.
   */
  readonly providerDatabases?: readonly string[];
  /** Major version of the server, 15 or newer: decides what the plan holds and in which words it is made true. Default: 17. */
  readonly postgresMajor?: number;
}

/** One service's compartment. */
export interface CompartmentPlan {
  readonly service: string;
  readonly database: {
    readonly name: string;
    /** `CONNECTION LIMIT` of the database: the whole compartment's budget. */
    readonly connectionLimit: number;
  };
  /** Role names by their place in the compartment. */
  readonly roles: {
    readonly owner: string;
    readonly migrator: string;
    readonly app: string;
    readonly users: readonly [string, string];
    readonly readonly: string;
  };
  /** What every role must look like, by name. */
  readonly roleSpecs: readonly RoleSpec[];
  /** Extensions that the database must hold. */
  readonly extensions: readonly string[];
  /** Parameters that the URL in the service's secret carries beside the connection's own. */
  readonly urlParameters: Readonly<Record<string, string>>;
}

/** A role as it must be. Attributes that are not listed are all off: SUPERUSER, CREATEDB, CREATEROLE, REPLICATION, BYPASSRLS. */
export interface RoleSpec {
  readonly name: string;
  readonly login: boolean;
  /** `CONNECTION LIMIT`; -1 for none, as Postgres writes it. */
  readonly connectionLimit: number;
  /** INHERIT or NOINHERIT, for servers before 16, where it decides for all memberships of the role. Left out: each membership says it itself, or there is none. */
  readonly inherit?: boolean;
  /** The roles that it is a member of, and how; it is a member of no other. */
  readonly memberOf: readonly Membership[];
  /** `ALTER ROLE … SET`: it has these and no other, in any database. */
  readonly settings: Readonly<Record<string, string>>;
}

/** One row of `pg_auth_members`, as it must be. ADMIN OPTION is never given. */
export interface Membership {
  readonly role: string;
  /** May use the role's rights without SET ROLE. */
  readonly inherit: boolean;
  /** May SET ROLE to it. Always so before version 16. */
  readonly set: boolean;
}
