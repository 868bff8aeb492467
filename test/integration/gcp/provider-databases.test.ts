import { defineServices } from "../../../manager/src/catalog/define-services";
import type { TierPlan } from "../../../manager/src/plan/plan";
import { planTier } from "../../../manager/src/plan/plan-tier";
import { closeSession } from "../../../manager/src/postgres/connect";
import type { TierAccess } from "../../../components/tier";
import type { ObserveReport } from "../../../manager/src/setup/request";
import type { ValidationCheck } from "../../../manager/src/validate";
import { runAsProvider } from "../../support/simulated-cloud/behaviours/sql-server/sql-server";
import { FACTS, ROOT, startCloudTier } from "./cloud-tier";
import type { CloudTier } from "./cloud-tier";

// What is on a Cloud SQL server beside the compartments: the databases that it came with, the provider's own, and its admin role.

const CATALOG = defineServices({ auth: { port: 5500, connections: 5 }, accounts: { port: 8001, connections: 5 } });

let tier: CloudTier;
let access: TierAccess;
let close: () => Promise<void>;
let firstLook: ObserveReport;

const scope = (plan: TierPlan = tier.plan) => ({ catalog: tier.catalog, plan, root: ROOT });
const observe = (): Promise<ObserveReport> => access.operations.observe(scope());
const setUp = (service: string, token: string) => access.operations.setUp({ ...scope(), service, token });
const asProvider = (...statements: string[]) => runAsProvider(tier.sql, "postgres", ...statements);
const text = (part: string): string => expect.stringContaining(part) as string;

async function asAdmin(...statements: string[]): Promise<void> {
  const client = await access.openSession("postgres");
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await closeSession(client);
  }
}

async function failedChecks(plan?: TierPlan): Promise<ValidationCheck[]> {
  return (await access.operations.validate(scope(plan))).checks.filter(({ status }) => status === "failed");
}

async function isOpenToPublic(database: string): Promise<boolean> {
  const [row] = await asProvider(`SELECT has_database_privilege('public', '${database}', 'CONNECT') AS open`);
  return row!["open"] as boolean;
}

function findingsOf({ compartments }: ObserveReport): Record<string, readonly string[]> {
  return Object.fromEntries(compartments.map(({ service, findings }) => [service, findings]));
}

beforeAll(async () => {
  tier = await startCloudTier(CATALOG);
  const opened = (await tier.reach({ transport: "direct", probe: null }).open({ makeAdmin: true }))!;
  access = opened.access;
  close = () => opened.close();
  firstLook = await observe();
  await setUp("auth", "token-of-auth");
  await setUp("accounts", "token-of-accounts");
});

afterAll(async () => {
  await close?.();
  await tier?.close();
});

// The server is as planned before each test, and each leaves it so.
afterEach(async () => {
  expect(await observe()).toMatchObject({ manual: [], compartments: [{ findings: [], token: expect.any(String) as string }, { findings: [], token: expect.any(String) as string }] });
});

describe("the databases that the server came with", () => {
  it("are closed by the first setup, and nothing about them takes a superuser", async () => {
    expect(firstLook.manual).toEqual([]);
    const found = firstLook.compartments[0]!.findings.filter((finding) => finding.includes("in no compartment"));
    expect(found).toEqual(["postgres", "template1"].map((name) => expect.stringMatching(`^on database ${name}, which is in no compartment, PUBLIC has .*CONNECT`) as string));
    expect(firstLook.compartments[1]!.findings.filter((finding) => finding.includes("in no compartment"))).toEqual([]);
    expect(await Promise.all(["postgres", "template1"].map(isOpenToPublic))).toEqual([false, false]);
  });

  it("are closed again when somebody opened them, by whichever compartment is set up next", async () => {
    await asAdmin("GRANT CONNECT, TEMPORARY ON DATABASE postgres TO PUBLIC", "GRANT CONNECT ON DATABASE template1 TO PUBLIC");
    const { manual, compartments } = await observe();
    expect(manual).toEqual([]);
    expect(compartments).toMatchObject([
      { service: "auth", isNew: false, token: null, schemaVersion: 1, findings: [text("on database postgres"), text("on database template1")], statements: [text('REVOKE TEMPORARY, CONNECT ON DATABASE "postgres" FROM PUBLIC'), text('REVOKE CONNECT ON DATABASE "template1" FROM PUBLIC')] },
      { service: "accounts", findings: [], token: "token-of-accounts" },
    ]);
    const failed = await failedChecks();
    expect(failed).toContainEqual(expect.objectContaining({ id: "database-privileges", service: "tier", heal: expect.not.stringContaining("superuser") as string }));
    expect(failed).toContainEqual(expect.objectContaining({ id: "no-foreign-database", service: "accounts", detail: text("postgres: is let in") }));

    await setUp("accounts", "token-of-accounts");
    expect(await Promise.all(["postgres", "template1"].map(isOpenToPublic))).toEqual([false, false]);
    expect(await failedChecks()).toEqual([]);
  });

  it("are closed to a service's login by that service's own setup", async () => {
    await asAdmin("GRANT CONNECT ON DATABASE postgres TO accounts_user");
    expect(findingsOf(await observe())).toEqual({ auth: [], accounts: [text("accounts_user has CONNECT")] });
    await setUp("accounts", "token-of-accounts");
  });

  it("keep what somebody else granted, which is told and stops no setup", async () => {
    await asProvider("CREATE ROLE dba NOLOGIN", "GRANT CONNECT ON DATABASE postgres TO dba WITH GRANT OPTION", "SET ROLE dba", "GRANT CONNECT ON DATABASE postgres TO PUBLIC");
    await asAdmin("GRANT CONNECT ON DATABASE postgres TO PUBLIC");
    expect(await observe()).toMatchObject({ manual: [text("PUBLIC has CONNECT")], compartments: [{ findings: [text("PUBLIC has CONNECT")], token: null }, { findings: [] }] });
    await setUp("auth", "token-of-auth");
    expect(await observe()).toMatchObject({ manual: [text("PUBLIC has CONNECT")], compartments: [{ findings: [], token: "token-of-auth" }, { findings: [] }] });
    await asProvider("REVOKE CONNECT ON DATABASE postgres FROM dba CASCADE", "DROP ROLE dba");
  });
});

it("leaves somebody else's database alone, even where the admin has its owner's rights", async () => {
  await asProvider("CREATE DATABASE somebodys OWNER cloudsqlsuperuser");
  try {
    expect(await observe()).toMatchObject({ manual: [text("on database somebodys")], compartments: [{ findings: [], token: "token-of-auth" }, { findings: [] }] });
    await setUp("auth", "token-of-auth");
    expect(await isOpenToPublic("somebodys")).toBe(true);
  } finally {
    await asProvider("DROP DATABASE somebodys");
  }
});

it("gives the role that reads statistics its membership back", async () => {
  await asAdmin("REVOKE pg_monitor FROM bulkhead_monitor");
  expect(findingsOf(await observe())).toEqual({ auth: [text("bulkhead_monitor is no member of pg_monitor")], accounts: [] });
  await setUp("auth", "token-of-auth");
});

describe("the provider's own database", () => {
  it("is open by its ACL, and yet passes, since no login of any service gets in", async () => {
    expect(await isOpenToPublic("cloudsqladmin")).toBe(true);
    const { ok, checks } = await access.operations.validate(scope());
    expect(ok).toBe(true);
    const own = checks.filter(({ id, detail }) => id === "no-foreign-database" && detail.includes("cloudsqladmin"));
    expect(own.map(({ service, detail }) => ({ service, detail }))).toEqual(["auth", "accounts"].map((service) => ({ service, detail: "app, migrator, readonly: cloudsqladmin: refused with 28000" })));
  });

  it("fails when it lets a login in, and the failure says who alone can mend it", async () => {
    await asProvider("CREATE DATABASE left_open");
    try {
      const plan = planTier(CATALOG, { ...FACTS, providerDatabases: ["cloudsqladmin", "left_open"] });
      const failed = await failedChecks(plan);
      expect(new Set(failed.map(({ id, service }) => `${service} ${id}`))).toEqual(new Set(["auth no-foreign-database", "accounts no-foreign-database"]));
      for (const { detail, heal } of failed) expect({ detail, heal }).toEqual({ detail: expect.stringMatching(/left_open: is let in; .* only the provider can close it$/) as string, heal: undefined });
      expect((await access.operations.observe(scope(plan))).manual).toEqual([]);
    } finally {
      await asProvider("DROP DATABASE left_open");
    }
  });

  it("is a failed check where the plan does not know that it is the provider's", async () => {
    const failed = await failedChecks(planTier(CATALOG, { ...FACTS, providerDatabases: [] }));
    expect(failed).toContainEqual(expect.objectContaining({ id: "no-foreign-database", service: "auth", detail: text("may connect to cloudsqladmin") }));
  });
});

describe("a login that was made a member of cloudsqlsuperuser", () => {
  const member = "auth_user is a member of cloudsqlsuperuser";

  it("fails validation when the provider granted it, and loses it when it is made anew", async () => {
    await asProvider("GRANT cloudsqlsuperuser TO auth_user");
    const failed = await failedChecks();
    expect(failed).toContainEqual(expect.objectContaining({ id: "role-membership", service: "auth", detail: member, heal: expect.stringMatching(/^-- as a superuser[\s\S]*REVOKE "cloudsqlsuperuser" FROM "auth_user" GRANTED BY "cloudsqladmin" CASCADE;/) as string }));
    expect(failed).toContainEqual(expect.objectContaining({ id: "no-set-role", service: "auth", detail: text("SET ROLE cloudsqlsuperuser is allowed") }));
    expect(failed.filter(({ service }) => service !== "auth")).toEqual([]);
    await setUp("auth", "token-of-auth");
    expect(findingsOf(await observe())["auth"]).toEqual([member]);

    // Only the provider takes back what it granted; but the admin may drop the login, and the next setup makes it anew.
    await asAdmin("DROP ROLE auth_user");
    await setUp("auth", "token-of-auth");
    expect(await failedChecks()).toEqual([]);
  });

  it("is healed where the admin granted it", async () => {
    await asProvider("GRANT cloudsqlsuperuser TO bulkhead_admin WITH ADMIN OPTION");
    await asAdmin("GRANT cloudsqlsuperuser TO auth_user");
    expect(await failedChecks()).toContainEqual(expect.objectContaining({ id: "role-membership", detail: member, heal: expect.not.stringContaining("superuser, or") as string }));
    expect(findingsOf(await observe())["auth"]).toEqual([member]);
    await setUp("auth", "token-of-auth");
    expect(await failedChecks()).toEqual([]);
    await asProvider("REVOKE ADMIN OPTION FOR cloudsqlsuperuser FROM bulkhead_admin");
  });

  it("is healed where a role granted it whose rights the admin has", async () => {
    await asProvider("CREATE ROLE operators NOLOGIN", "GRANT cloudsqlsuperuser TO operators WITH ADMIN OPTION", "GRANT operators TO bulkhead_admin WITH INHERIT TRUE");
    await asAdmin("GRANT cloudsqlsuperuser TO auth_user GRANTED BY operators");
    expect((await observe()).compartments[0]).toMatchObject({ findings: [member], token: null, statements: [text('GRANTED BY "operators"')] });
    await setUp("auth", "token-of-auth");
    expect(findingsOf(await observe())["auth"]).toEqual([]);
    await asProvider("DROP ROLE operators");
  });
});
