
import type { ServiceDefinition } from "../../../manager/src/catalog/catalog";
import { CatalogError, defineServices } from "../../../manager/src/catalog/define-services";
import { imageParts } from "../../../manager/src/catalog/web";
import { planTier } from "../../../manager/src/plan/plan-tier";
import fc from "../../support/fast-check";

/** What is wrong with a catalog that may break the types, as from plain JavaScript. */
function problemsOf(definitions: Record<string, unknown>): readonly string[] {
  try {
    defineServices(definitions as Record<string, ServiceDefinition>);
    return [];
  } catch (error) {
    if (error instanceof CatalogError) return error.problems;
    throw error;
  }
}

describe("defineServices", () => {
  test("fills in every default", () => {
    expect(defineServices({ "video-vault": { port: 5100 } }).services).toEqual([
      { name: "video-vault", port: 5100, database: "video_vault_db", connections: 40, migrations: { directory: "schemas/video-vault" }, urlParameters: {}, calls: [], image: null, redis: false, clickhouse: false, path: null, healthPath: "/health" },
    ]);
  });

  test("gives a service without a database no connections and no migrations", () => {
    expect(defineServices({ frontend: { port: 3000, database: null } }).services[0]).toMatchObject({ database: null, connections: 0, migrations: null });
  });

  test("returns a catalog that cannot be changed", () => {
    const { services } = defineServices({ auth: { port: 1, calls: [] } });
    expect(() => (services as unknown[]).push({})).toThrow(TypeError);
    expect(() => Object.assign(services[0]!, { port: 2 })).toThrow(TypeError);
    expect(() => (services[0]!.calls as string[]).push("x")).toThrow(TypeError);
  });

  test("names every problem of every service in one error", () => {
    const problems = problemsOf({
      Auth: { port: 0 },
      a: { port: 80, database: "x", connections: 0 },
      b: { port: 80, database: "x", calls: ["nobody"] },
      c: { port: "81", prot: 1 },
    });
    for (const part of [/"Auth": the name/, /"Auth": port 0/, /"a": connections 0/, /"b": port 80 is "a"'s/, /"b": database "x" is "a"'s/, /nobody/, /"c": port "81"/, /"c": has no setting "prot"/]) {
      expect(problems).toContainEqual(expect.stringMatching(part));
    }
    expect(problems).toHaveLength(8);
  });

  test.each([
    ["", "is empty"],
    ["Auth", "lower-case"],
    ["1auth", "lower-case"],
    ["a b", "lower-case"],
    ['a"b', "lower-case"],
    ["a\0b", "lower-case"],
    ["größe", "lower-case"],
    ["a__b", "lower-case"],
    ["a-", "lower-case"],
    ["\ud800", "lower-case"],
    ["a".repeat(55), "55 bytes"],
    ["public", "reserved"],
    ["pg_x", "reserved"],
    ["pg-x", "reserved"],
    ["bulkhead-x", "reserved"],
    ["__proto__", "lower-case"],
  ])("refuses the service name %j: %s", (name, why) => {
    expect(problemsOf(Object.fromEntries([[name, { port: 1, database: "d" }]]))).toEqual([expect.stringContaining(why)]);
  });

  test.each(["select", "user", "table", "constructor", "a".repeat(54)])("takes the service name %j", (name) => {
    expect(problemsOf({ [name]: { port: 1, database: "d" } })).toEqual([]);
  });

  test.each([
    ["", "is empty"],
    ["a\0b", "control character"],
    ["a\nb", "control character"],
    ["\ud800", "half a surrogate pair"],
    ["d".repeat(64), "64 bytes"],
    ["ü".repeat(32), "64 bytes"],
    ["postgres", "reserved"],
    ["template0", "reserved"],
    ["bulkhead_template", "reserved"],
    [7, "must be a string"],
  ])("refuses the database name %j: %s", (database, why) => {
    expect(problemsOf({ auth: { port: 1, database } })).toEqual([expect.stringContaining(why)]);
  });

  test.each(['quo"te', "a space", "ünïcödé 🚢", "select", "d".repeat(63), "a'b", "a;b", "%s", "Upper"])("takes the database name %j", (database) => {
    expect(problemsOf({ auth: { port: 1, database } })).toEqual([]);
  });

  test("finds two services whose roles would be the same", () => {
    expect(problemsOf({ "a-b": { port: 1, database: "x" }, a_b: { port: 2, database: "y" } })).toContainEqual(expect.stringContaining(`"a_b": role "a_b_owner" is "a-b"'s already`));
    expect(problemsOf({ a: { port: 1, database: "x" }, a_user: { port: 2, database: "y" } })).toEqual([]);
  });

  test.each([
    [null, "must be an object"],
    [{ port: 1, migrations: null }, "migrations must be"],
    [{ port: 1, migrations: {} }, "migrations.directory"],
    [{ port: 1, migrations: { directory: "" } }, "migrations.directory"],
    [{ port: 1, migrations: { command: [] } }, "migrations.command"],
    [{ port: 1, migrations: { command: ["a\0"] } }, "migrations.command"],
    [{ port: 1, migrations: { command: ["a"], timeoutMs: 1 } }, "timeoutMs"],
    [{ port: 1, urlParameters: { a: 1 } }, "urlParameters"],
    [{ port: 1, urlParameters: [] }, "urlParameters"],
    [{ port: 1, calls: "auth" }, "calls must be"],
    [{ port: 1, calls: [1] }, "calls must be"],
    [{ port: 1, database: null, connections: 3 }, "no database"],
    [{ port: 1, calls: ["allUsers"] }, "everybody on the internet"],
    [{ port: 1, calls: ["allAuthenticatedUsers"] }, "everybody on the internet"],
    [{ port: 1, redis: "yes" }, "redis \"yes\" must be true or false"],
    [{ port: 1, clickhouse: 1 }, "clickhouse 1 must be true or false"],
    [{ port: 1, database: null, redis: true }, "cannot have redis"],
    [{ port: 1, database: null, clickhouse: true }, "cannot have clickhouse"],
    [{ port: 1, image: null }, "image null must be a string"],
    [{ port: 1, image: "" }, 'image "" is no image'],
    [{ port: 1, image: "Host/x" }, "is no image"],
    [{ port: 1, image: "x:" }, "no good tag"],
    [{ port: 1, image: "x:-1" }, "no good tag"],
    [{ port: 1, image: "x@sha256:12" }, "no digest of the form"],
    [{ port: 1, image: "a b" }, "is no image"],
    [{ port: 1, image: "https://host/x" }, "is no image"],
    [{ port: 1, path: "/" }, 'path "/" is no path'],
    [{ port: 1, path: "api/*" }, "is no path"],
    [{ port: 1, path: "/a/*/b" }, "is no path"],
    [{ port: 1, path: "/api*" }, "is no path"],
    [{ port: 1, healthPath: "health" }, "is no path such as /health"],
    [{ port: 1, healthPath: "/health?x" }, "is no path such as /health"],
    [{ port: 1.5 }, "port 1.5"],
    [{ port: 65_536 }, "port 65536"],
    [{ port: 1, connections: Number.NaN }, "connections NaN"],
    [{ port: 1, connections: 10_001 }, "connections 10001"],
  ])("refuses %j", (definition, why) => {
    expect(problemsOf({ auth: definition })).toContainEqual(expect.stringContaining(why));
  });

  const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

  test.each([
    ["nginx", "nginx", undefined, undefined],
    ["localhost:5000/x", "localhost:5000/x", undefined, undefined],
    ["localhost:5000/x:1.2", "localhost:5000/x", "1.2", undefined],
    ["europe-west1-docker.pkg.dev/p/services/a-b__c.d:v1", "europe-west1-docker.pkg.dev/p/services/a-b__c.d", "v1", undefined],
    [`host/x@${DIGEST}`, "host/x", undefined, DIGEST],
    [`host:1/x:1@${DIGEST}`, "host:1/x", "1", DIGEST],
  ])("takes the image %s and knows its parts", (image, name, tag, digest) => {
    expect(problemsOf({ auth: { port: 1, image } })).toEqual([]);
    expect(imageParts(image)).toEqual({ name, tag, digest });
  });

  test.each(["/*", "/api/*", "/api", "/a/b-c/_.~/*", "/api/"])("takes the path %s", (path) => {
    expect(problemsOf({ auth: { port: 1, path } })).toEqual([]);
  });

  test("finds two services with the same path", () => {
    expect(problemsOf({ a: { port: 1, path: "/*" }, b: { port: 2, path: "/*" } })).toEqual([`"b": path "/*" is "a"'s already`]);
  });

  test("keeps what only some targets use out of the plan, so that it changes no server", () => {
    const facts = { admin: "admin", template: "template0", maxConnections: 100, reservedConnections: 0 };
    const extras = { image: "host/a:1", redis: true, clickhouse: true, path: "/*", healthPath: "/up" };
    expect(planTier(defineServices({ a: { port: 1, ...extras } }), facts)).toEqual(planTier(defineServices({ a: { port: 1 } }), facts));
  });

  test("ends for anything at all with a catalog or with a CatalogError", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.oneof(fc.anything(), fc.record({ port: fc.anything(), database: fc.anything(), connections: fc.anything(), migrations: fc.anything(), calls: fc.anything(), urlParameters: fc.anything(), image: fc.anything(), redis: fc.anything(), path: fc.anything(), healthPath: fc.anything() }, { requiredKeys: [] }))), (definitions) => {
        problemsOf(definitions);
      }),
      { numRuns: 500 },
    );
  });
});
