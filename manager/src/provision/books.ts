import type { ClientBase } from "pg";

import type { TierPlan } from "../plan/plan";
import type { ObservedCluster, ObservedCompartment } from "./observed";

/**
 * The books: one row a compartment, in the agreed database. They tell a service that has left the catalog from a database that was never
 * Bulkhead's, and hold the token by which the next `up` sees that the server is not the one it left (an older copy put back, say).
 */
export async function createBooks(client: ClientBase): Promise<void> {
  await client.query(`
    CREATE SCHEMA IF NOT EXISTS bulkhead;
    CREATE TABLE IF NOT EXISTS bulkhead.compartment (
      service text PRIMARY KEY,
      database text NOT NULL UNIQUE,
      token text,
      created_at timestamptz NOT NULL DEFAULT now(),
      set_up_at timestamptz
    )`);
}

/** Enters compartments that are new; what is known of the others stays. A row of a database that is gone gives way to its new holder. */
export async function enterCompartments(client: ClientBase, compartments: readonly { service: string; database: string }[]): Promise<void> {
  const values = [compartments.map(({ service }) => service), compartments.map(({ database }) => database)];
  await client.query("DELETE FROM bulkhead.compartment WHERE database = ANY ($2) AND service <> ALL ($1)", values);
  await client.query("INSERT INTO bulkhead.compartment (service, database) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (service) DO UPDATE SET database = excluded.database", values);
}

/** Notes that a setup ended well. */
export async function recordSetup(client: ClientBase, service: string, token: string): Promise<void> {
  await client.query("UPDATE bulkhead.compartment SET token = $2, set_up_at = now() WHERE service = $1", [service, token]);
}

/** Compartments in the books whose service is no longer in the plan. */
export function leftBehind(plan: TierPlan, { compartments }: Pick<ObservedCluster, "compartments">): ObservedCompartment[] {
  const planned = new Set(plan.compartments.map(({ service }) => service));
  return compartments.filter(({ service }) => !planned.has(service));
}
