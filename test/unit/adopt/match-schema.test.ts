
import { differences, matchSchema } from "../../../manager/src/adopt/match-schema";
import type { VersionSnapshot } from "../../../manager/src/adopt/match-schema";
import fc from "../../support/fast-check";

const schema = (...things: string[]): ReadonlyMap<string, string> => new Map(things.map((thing) => [thing, `definition of ${thing}`]));
const versions = (...schemas: ReadonlyMap<string, string>[]): VersionSnapshot[] => schemas.map((each, index) => ({ version: index + 1, schema: each }));

describe("matchSchema", () => {
  const things = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"), { minLength: 1 });

  test("finds the version that a schema was made by, whatever it has besides", () => {
    fc.assert(
      // Each migration adds one thing.
      fc.property(things, fc.nat(), fc.uniqueArray(fc.constantFrom("x", "y", "z")), (added, pick, extra) => {
        const snapshots = versions(...added.map((_, index) => schema(...added.slice(0, index + 1))));
        const version = (pick % added.length) + 1;
        const live = schema(...added.slice(0, version), ...extra);
        expect(matchSchema(live, snapshots)).toEqual({ kind: "version", version });
      }),
    );
  });

  test("tells a migration that only removes something from the one before", () => {
    const snapshots = versions(schema("a", "b"), schema("a"));
    expect(matchSchema(schema("a", "b"), snapshots)).toEqual({ kind: "version", version: 1 });
    expect(matchSchema(schema("a"), snapshots)).toEqual({ kind: "version", version: 2 });
  });

  test("does not guess whether a migration of rows has run", () => {
    expect(matchSchema(schema("a"), versions(schema("a"), schema("a")))).toEqual({ kind: "undecided", versions: [1, 2] });
    expect(matchSchema(schema("a", "b"), versions(schema("a"), schema("a"), schema("a", "b")))).toEqual({ kind: "version", version: 3 });
  });

  test("names what differs from the nearest version", () => {
    const live = new Map([["column t.id", "integer"], ["table t", ""]]);
    const wanted = new Map([["column t.id", "uuid not null"], ["table t", "row level security"], ["index i", "CREATE INDEX"]]);
    expect(matchSchema(live, versions(wanted))).toEqual({ kind: "none", nearest: 1, differences: ["column t.id is integer, not uuid not null", "index i is missing", "table t is plain, not row level security"] });
  });

  test("a schema has no difference to itself, nor to a part of itself", () => {
    fc.assert(fc.property(things, fc.nat(), (all, count) => expect(differences(schema(...all), schema(...all.slice(0, count)))).toEqual([])));
  });
});
