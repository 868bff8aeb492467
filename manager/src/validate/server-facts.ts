import type { Client } from "pg";

import type { TierPlan } from "../plan/plan";

/** What the admin's session in the agreed database says; it stays open as a witness: a session that no service may see into or signal. */
export interface ServerFacts {
  readonly pid: number;
  readonly roles: readonly string[];
  readonly databases: readonly DatabaseFacts[];
}

/** A database that takes connections. */
export interface DatabaseFacts {
  readonly name: string;
  /** Of the planned roles those with CONNECT on it, by Postgres' own privilege function: through grants, PUBLIC or memberships. */
  readonly connectableBy: readonly string[];
  /** Whom CONNECT is granted to by name, `PUBLIC` among them. */
  readonly connectGrantees: readonly string[];
  /** The provider keeps it for itself, and closes it by the server's rules for who may log in: its ACL says nothing. */
  readonly ofProvider: boolean;
}

/** Reads what the server looks like to the admin: what the logins are to be held off from. */
export async function readServerFacts(client: Client, plan: TierPlan): Promise<ServerFacts> {
  const roles = plan.compartments.flatMap(({ roleSpecs }) => roleSpecs.map(({ name }) => name));
  const { rows } = await client.query<{ facts: ServerFacts }>(SERVER_QUERY, [roles, plan.tier.providerDatabases ?? []]);
  return rows[0]!.facts;
}

const SERVER_QUERY = `
SELECT jsonb_build_object(
  'pid', pg_backend_pid(),
  'roles', (SELECT jsonb_agg(rolname) FROM pg_roles),
  'databases', (SELECT jsonb_agg(jsonb_build_object('name', d.datname, 'ofProvider', d.datname = ANY ($2),
      'connectableBy', (SELECT coalesce(jsonb_agg(r.rolname ORDER BY r.rolname), '[]') FROM pg_roles r WHERE r.rolname = ANY ($1) AND has_database_privilege(r.oid, d.oid, 'CONNECT')),
      'connectGrantees', (SELECT coalesce(jsonb_agg(CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END), '[]')
        FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE a.privilege_type = 'CONNECT')) ORDER BY d.datname)
    FROM pg_database d WHERE d.datallowconn)
) AS facts`;
