import type { SchemaSnapshot } from "./schema-snapshot";

/** The schema as it is after a migration. */
export interface VersionSnapshot {
  readonly version: number;
  readonly schema: SchemaSnapshot;
}

/** What a live schema is, in terms of the migrations. */
export type SchemaMatch =
  /** All up to this one have their effect in the database already. */
  | { readonly kind: "version"; readonly version: number }
  /** It is as after the first one of these and as after the last, which differ in no catalog: they may be about rows. */
  | { readonly kind: "undecided"; readonly versions: readonly number[] }
  /** It is as after none; `differences` to the one that is nearest. */
  | { readonly kind: "none"; readonly nearest: number; readonly differences: readonly string[] };

/** What a live schema lacks, or has otherwise, of a wanted one; what it has besides is no difference. A sentence each, sorted. */
export function differences(live: SchemaSnapshot, wanted: SchemaSnapshot): string[] {
  return [...wanted]
    .flatMap(([thing, definition]) => {
      const actual = live.get(thing);
      if (actual === undefined) return [`${thing} is missing`];
      return actual === definition ? [] : [`${thing} is ${shown(actual)}, not ${shown(definition)}`];
    })
    .sort();
}

/**
 * Finds the migration after which the schema is as the live one, which may have more. Pure.
 *
 * A migration that only removes something leaves less than the one before, and a live schema that still has it would match both: so what a migration
 * has removed must not be there.
 *
 * @param snapshots in the order of their versions, at least one
 */
export function matchSchema(live: SchemaSnapshot, snapshots: readonly VersionSnapshot[]): SchemaMatch {
  const rated = snapshots.map(({ version, schema }, index) => ({ version, schema, problems: [...differences(live, schema), ...leftovers(live, schema, snapshots.slice(0, index))] }));
  const matching = rated.filter(({ problems }) => problems.length === 0);
  const newest = matching.at(-1);
  if (newest === undefined) {
    // Of those with equally many differences the newest.
    const nearest = rated.reduce((best, candidate) => (candidate.problems.length <= best.problems.length ? candidate : best));
    return { kind: "none", nearest: nearest.version, differences: nearest.problems };
  }
  const alike = matching.filter(({ schema }) => isEqual(schema, newest.schema)).map(({ version }) => version);
  return alike.length === 1 ? { kind: "version", version: newest.version } : { kind: "undecided", versions: alike };
}

function leftovers(live: SchemaSnapshot, schema: SchemaSnapshot, earlier: readonly VersionSnapshot[]): string[] {
  const removed = new Set(earlier.flatMap((snapshot) => [...snapshot.schema].filter(([thing, definition]) => !schema.has(thing) && live.get(thing) === definition).map(([thing]) => thing)));
  return [...removed].map((thing) => `${thing} is there, which a migration removes`).sort();
}

function isEqual(a: SchemaSnapshot, b: SchemaSnapshot): boolean {
  return a.size === b.size && [...a].every(([thing, definition]) => b.get(thing) === definition);
}

const SHOWN_LENGTH = 160;

/** A function's body may be long. */
function shown(definition: string): string {
  const line = definition.replace(/\s+/g, " ").trim();
  if (line === "") return "plain";
  return line.length > SHOWN_LENGTH ? `${line.slice(0, SHOWN_LENGTH)}…` : line;
}
