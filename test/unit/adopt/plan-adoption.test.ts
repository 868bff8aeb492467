import { planAdoption } from "../../../manager/src/adopt/plan-adoption";
import type { AdoptionFindings } from "../../../manager/src/adopt/plan-adoption";
import type { FoundContents, FoundObject, FoundRole, FoundServer } from "../../../manager/src/adopt/observed";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { planTier } from "../../../manager/src/plan/plan-tier";

const plan = planTier(defineServices({ auth: { port: 1 }, beta: { port: 2 } }), { admin: "bulkhead_admin", template: "template0", maxConnections: 500, reservedConnections: 10 });
const statements = { admin: ["make the admin"], createTemplate: "make the template", template: ["fill the template"] };

const role = (name: string, changes: Partial<FoundRole> = {}): FoundRole => ({ name, bootstrap: false, login: true, superuser: false, createdb: false, createrole: false, replication: false, bypassrls: false, hasPassword: false, ...changes });
const object = (changes: Partial<FoundObject>): FoundObject => ({ kind: "TABLE", identity: "public.t", owner: "postgres", schema: "public", ofSuperuser: false, runsAsOwner: false, rowSecurity: false, ...changes });
const server = (changes: Partial<FoundServer> = {}): FoundServer => ({
  versionNumber: 170_000,
  superuser: "postgres",
  roles: [role("postgres", { bootstrap: true, superuser: true, hasPassword: true })],
  memberships: [],
  databases: ["auth_db", "postgres"].map((name) => ({ name, owner: "postgres", allowConnections: true, isTemplate: false, invalid: false, privileges: [], collationDiffers: false })),
  settings: [],
  tablespaces: [],
  preparedTransactions: [],
  replicationSlots: [],
  systemSettings: [],
  dataChecksums: true,
  inRecovery: false,
  ...changes,
});
const contents = (changes: Partial<FoundContents> = {}): FoundContents => ({
  objects: [],
  largeObjects: [],
  extensions: [],
  eventTriggers: [],
  privileges: { schemas: [], defaultPrivileges: [], objects: [], columnPrivileges: [], extensions: [], extensionGrants: [], statementsFunction: null },
  history: null,
  foreignHistory: false,
  ...changes,
});
const findings = (found: FoundServer, inAuth: FoundContents): AdoptionFindings => ({ server: found, services: new Map([["auth", { contents: inAuth, baseline: { entries: [], problem: null } }]]), templateIsWhole: true });
const sqlOf = (found: FoundServer, inAuth = contents()): string[] => planAdoption(plan, statements, findings(found, inAuth)).steps.flatMap((step) => step.statements.map(({ sql }) => sql));

describe("planAdoption", () => {
  test("gives objects to the owner, and those that only a superuser may own to the superuser", () => {
    const sql = sqlOf(server(), contents({ objects: [object({ identity: 'public."T ""x"""' }), object({ kind: "EVENT TRIGGER", identity: "watch", owner: "dba", schema: null, ofSuperuser: true }), object({ kind: "VIEW", identity: "public.v", owner: "auth_owner" })] }));
    expect(sql).toContain('ALTER TABLE public."T ""x""" OWNER TO "auth_owner"');
    expect(sql).toContain('ALTER EVENT TRIGGER watch OWNER TO "postgres"');
    expect(sql.join("\n")).not.toContain("ALTER VIEW");
  });

  test("holds no statement that could lose a row", () => {
    const sql = sqlOf(
      server({ roles: [role("postgres", { bootstrap: true, superuser: true }), role("auth_user", { superuser: true }), role("dba", { superuser: true })], memberships: [{ role: "auth_user", member: "dba", grantor: "postgres", admin: true }], settings: [{ role: null, database: "auth_db", name: "search_path", value: "x" }] }),
      contents({ objects: [object({})], largeObjects: [{ owner: "postgres", count: 3 }], extensions: [{ name: "hstore", schema: "public", owner: "auth_user", version: "1", newest: "1" }], eventTriggers: ["watch"] }),
    );
    expect(sql.filter((text) => /\b(DROP (?!ROLE bulkhead_adopt)|TRUNCATE|DELETE FROM|UPDATE \S+ SET|INSERT)/i.test(text))).toEqual([]);
  });

  test("takes from a service's login what makes it more than a login", () => {
    const found = server({ roles: [role("postgres", { bootstrap: true, superuser: true }), role("auth_user", { superuser: true, createdb: true })], memberships: [{ role: "pg_read_all_data", member: "auth_user", grantor: "postgres", admin: false }] });
    expect(sqlOf(found)).toEqual(expect.arrayContaining(['ALTER ROLE "auth_user" NOSUPERUSER NOCREATEDB', 'REVOKE "pg_read_all_data" FROM "auth_user" GRANTED BY "postgres" CASCADE']));
  });

  test("plans everything as after the renaming, where the superuser has the name of a service's login", () => {
    const found = server({ superuser: "auth_user", roles: [role("auth_user", { bootstrap: true, superuser: true })], memberships: [{ role: "pg_monitor", member: "beta_user", grantor: "auth_user", admin: false }] });
    const adoption = planAdoption(plan, statements, findings(found, contents({ objects: [object({ owner: "auth_user", kind: "LANGUAGE", identity: "plx", ofSuperuser: true })] })));
    expect(adoption).toMatchObject({ superuser: "auth_user", superuserAfter: "postgres", problems: [] });
    const sql = adoption.steps.flatMap((step) => step.statements.map((statement) => statement.sql));
    expect(sql.indexOf('ALTER ROLE "auth_user" RENAME TO "postgres"')).toBe(2);
    // The role of that name is another one from then on.
    expect(sql.join("\n")).not.toContain('"auth_user" NOSUPERUSER');
    expect(sql.join("\n")).not.toContain("ALTER LANGUAGE");
  });

  test("refuses to rename into a name that is taken", () => {
    const found = server({ superuser: "auth_user", roles: [role("auth_user", { bootstrap: true, superuser: true }), role("postgres")] });
    const { steps, problems } = planAdoption(plan, statements, findings(found, contents()));
    expect(steps).toEqual([]);
    expect(problems).toEqual([expect.objectContaining({ service: null })]);
  });

  test("leaves a service out that has a problem, and says what to do", () => {
    const { services, problems, steps } = planAdoption(plan, statements, findings(server(), contents({ foreignHistory: true })));
    expect(services.map(({ state }) => state)).toEqual(["left out", "absent"]);
    expect(problems).toEqual([expect.objectContaining({ service: "auth", hint: "ALTER TABLE migrations.history RENAME TO another_name" })]);
    expect(steps.filter(({ service }) => service === "auth")).toEqual([]);
  });
});
