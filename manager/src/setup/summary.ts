import type { CompartmentPlan } from "../plan/plan";
import type { Change } from "../provision/change";

/** Whether the changes make the compartment's database: then everything in it is new, and a list of every setting says nothing more. */
export function makesDatabase(changes: readonly Change[]): boolean {
  return changes.some(({ rule, statements }) => rule === "database-exists" && statements.some(({ sql }) => sql.startsWith("CREATE DATABASE")));
}

/** A compartment that is still to be made, in one line. */
export function newCompartmentLine({ database, roleSpecs }: CompartmentPlan): string {
  return `database ${database.name} with roles ${roleSpecs.map(({ name }) => name).join(", ")}`;
}
