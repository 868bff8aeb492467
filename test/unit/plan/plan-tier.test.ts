
import { defineServices } from "../../../manager/src/catalog/define-services";
import { planTier } from "../../../manager/src/plan/plan-tier";
import fc from "../../support/fast-check";

const TIER = { admin: "bulkhead_admin", template: "template0", maxConnections: 1000, reservedConnections: 10 };
const serviceName = fc.stringMatching(/^[a-z][a-z0-9]{0,20}(-[a-z0-9]{1,10}){0,2}$/).filter((name) => !/^(pg-|bulkhead|public$|none$|postgres$|admin$|tier$)/.test(name));
const catalog = fc.uniqueArray(fc.record({ name: serviceName, connections: fc.integer({ min: 1, max: 50 }), hasDatabase: fc.boolean() }), { selector: ({ name }) => name, maxLength: 8 }).map((services) =>
  defineServices(Object.fromEntries(services.map(({ name, connections, hasDatabase }, index) => [name, hasDatabase ? { port: index + 1, connections } : { port: index + 1, database: null }]))),
);

describe("planTier", () => {
  test("is pure: the same catalog gives the same plan, and nothing that it was given changes", () => {
    fc.assert(
      fc.property(catalog, (services) => {
        const before = JSON.stringify([services, TIER]);
        expect(planTier(services, TIER)).toEqual(planTier(services, TIER));
        expect(JSON.stringify([services, TIER])).toBe(before);
      }),
    );
  });

  test("is plain data: it survives JSON unchanged", () => {
    fc.assert(fc.property(catalog, (services) => expect(JSON.parse(JSON.stringify(planTier(services, TIER)))).toStrictEqual(planTier(services, TIER))));
  });

  test("gives every service with a database six roles of its own, and one without none", () => {
    fc.assert(
      fc.property(catalog, (services) => {
        const { compartments } = planTier(services, TIER);
        expect(compartments.map(({ service }) => service)).toEqual(services.services.filter(({ database }) => database !== null).map(({ name }) => name));
        const roles = compartments.flatMap(({ roleSpecs }) => roleSpecs.map(({ name }) => name));
        expect(new Set(roles).size).toBe(6 * compartments.length);
        for (const role of roles) expect(Buffer.byteLength(role)).toBeLessThanOrEqual(63);
      }),
    );
  });

  test("makes the migrator act as the owner without inheriting from it", () => {
    const [compartment] = planTier(defineServices({ "video-vault": { port: 1 } }), TIER).compartments;
    expect(compartment!.roleSpecs.find(({ name }) => name === "video_vault_migrator")).toMatchObject({ login: true, memberOf: [{ role: "video_vault_owner", inherit: false, set: true }], settings: { role: "video_vault_owner" } });
  });

  test("gives every database the target's own extensions, and changes no plan of a target that has none", () => {
    const services = defineServices({ a: { port: 1 }, b: { port: 2 } });
    expect(planTier(services, { ...TIER, extensions: ["pgaudit"] }).compartments.map(({ extensions }) => extensions)).toEqual([["pg_stat_statements", "pgaudit"], ["pg_stat_statements", "pgaudit"]]);
    // An anchor's hash is made from this text.
    expect(JSON.stringify(planTier(services, TIER))).not.toMatch(/"extensions":(?!\["pg_stat_statements"\])/);
  });

  test("lets the logins of a service hold no more connections than its database", () => {
    fc.assert(
      fc.property(catalog, (services) => {
        for (const { database, roleSpecs } of planTier(services, TIER).compartments) for (const { login, connectionLimit } of roleSpecs) if (login) expect(connectionLimit).toBeLessThanOrEqual(database.connectionLimit);
      }),
    );
  });

  test("refuses budgets that do not fit under max_connections, naming the largest and the numbers", () => {
    const services = defineServices({ a: { port: 1, connections: 30 }, b: { port: 2, connections: 31 } });
    expect(() => planTier(services, { ...TIER, maxConnections: 90, reservedConnections: 10 })).toThrow(expect.objectContaining({ code: "BUDGET_EXCEEDED", message: expect.stringMatching(/81.*80.*b 41, a 40/) as string }) as Error);
    expect(planTier(services, { ...TIER, maxConnections: 91, reservedConnections: 10 }).compartments).toHaveLength(2);
  });

  describe("for a server of another version", () => {
    const services = defineServices({ "video-vault": { port: 1 } });
    const planFor = (postgresMajor: number) => planTier(services, { ...TIER, postgresMajor });
    const settingsOf = (postgresMajor: number) => planFor(postgresMajor).compartments.flatMap(({ roleSpecs }) => roleSpecs.flatMap(({ settings }) => Object.keys(settings)));

    test("says nothing about INHERIT, and nothing new at all, where the version is not given or 17 or newer", () => {
      const { compartments } = planTier(services, TIER);
      for (const major of [17, 18, 19]) expect(planFor(major).compartments).toEqual(compartments);
      // An anchor's hash is made from this text.
      expect(JSON.stringify(planTier(services, TIER))).not.toMatch(/postgresMajor|"inherit":[a-z]+,"memberOf"/);
    });

    test("16 differs in nothing but transaction_timeout, which came with 17", () => {
      const without = (text: string): unknown => JSON.parse(text.replace(/,"transaction_timeout":"[^"]*"/g, ""));
      expect(settingsOf(17)).toContain("transaction_timeout");
      expect(settingsOf(16)).not.toContain("transaction_timeout");
      expect(planFor(16).compartments).toEqual(without(JSON.stringify(planFor(17).compartments)));
    });

    test("before 16 the roles say themselves whether they inherit, and every membership allows SET ROLE", () => {
      const specs = planFor(15).compartments[0]!.roleSpecs;
      expect(settingsOf(15)).not.toContain("transaction_timeout");
      expect(specs.find(({ name }) => name === "video_vault_migrator")).toMatchObject({ inherit: false, memberOf: [{ role: "video_vault_owner", inherit: false, set: true }] });
      for (const login of ["video_vault_user", "video_vault_user_b"]) expect(specs.find(({ name }) => name === login)).toMatchObject({ inherit: true, memberOf: [{ role: "video_vault_app", inherit: true, set: true }] });
      for (const { inherit, memberOf } of specs) expect(memberOf.every((membership) => membership.set && membership.inherit === inherit)).toBe(true);
    });

    test.each([14, 9.6, 0, Number.NaN])("%d is refused", (major) => {
      expect(() => planFor(major)).toThrow(expect.objectContaining({ code: "POSTGRES_TOO_OLD", message: expect.stringContaining("needs 15 or newer") as string }) as Error);
    });
  });
});
