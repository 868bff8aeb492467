import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { ReachConfig } from "../../../components/gcp/config/gcp-config";
import type { TierAccess } from "../../../components/tier";
import { defineServices } from "../../../manager/src/catalog/define-services";
import type { ObserveReport } from "../../../manager/src/setup/request";
import type { ValidationReport } from "../../../manager/src/validate";
import { runAsProvider } from "../../support/simulated-cloud/behaviours/sql-server/sql-server";
import { startCloudTier, ROOT } from "./cloud-tier";
import type { CloudTier } from "./cloud-tier";

const CATALOG = defineServices({ auth: { port: 5500, connections: 5 }, accounts: { port: 8001, connections: 5 }, frontend: { port: 3000, database: null } });
const DIRECT: ReachConfig = { transport: "direct", probe: null };
const TUNNEL: ReachConfig = { transport: "tunnel", members: [] };
const JOB: ReachConfig = { transport: "job", image: "europe-west1-docker.pkg.dev/p/r/setup@sha256:0" };
const TRANSPORTS = { direct: DIRECT, tunnel: TUNNEL, job: JOB };

let tier: CloudTier;
const path = process.env["PATH"];

beforeAll(async () => {
  tier = await startCloudTier(CATALOG);
  // The stand-in for gcloud, and the cloud that it belongs to.
  process.env["PATH"] = tier.api.environment["PATH"];
  process.env["SIMULATED_CLOUD_DIR"] = tier.cloud.dir;
});

afterAll(async () => {
  process.env["PATH"] = path;
  await tier?.close();
});

async function withAccess<T>(config: ReachConfig, use: (access: TierAccess) => Promise<T>, makeAdmin = true): Promise<T> {
  const opened = await tier.reach(config).open({ makeAdmin });
  if (opened === null) throw new Error("there is no way in");
  try {
    return await use(opened.access);
  } finally {
    await opened.close();
  }
}

/** Without what differs from run to run: times, and details with process ids and numbers of sessions in them. */
function verdicts({ version, ok, checks, summary }: ValidationReport): unknown {
  return { version, ok, summary, checks: checks.map(({ id, service, status, heal }) => ({ id, service, status, heal })) };
}

const scope = () => ({ catalog: tier.catalog, plan: tier.plan, root: ROOT });

it("opens nothing in a preview before the admin was made", async () => {
  expect(await tier.reach(DIRECT).open({ makeAdmin: false })).toBeNull();
});

it.each(Object.entries(TRANSPORTS))("finds with transport %s, before anything is set up, that both compartments are to be made", async (_name, config) => {
  const report = await withAccess(config, ({ operations }) => operations.observe(scope()));
  expect(report.compartments.map(({ service, isNew, token }) => ({ service, isNew, token }))).toEqual([
    { service: "auth", isNew: true, token: null },
    { service: "accounts", isNew: true, token: null },
  ]);
});

it("sets up one compartment by the job and the other through the tunnel", async () => {
  const set = await withAccess(JOB, ({ operations }) => operations.setUp({ ...scope(), service: "auth", token: "token-of-auth", progress: (line) => void tier.progress.push(line) }));
  expect(set.schemaVersion).toBeGreaterThan(0);
  expect(tier.progress).toContainEqual(expect.stringContaining("auth: made its database"));
  await withAccess(TUNNEL, ({ operations }) => operations.setUp({ ...scope(), service: "accounts", token: "token-of-accounts" }));
});

it("reports the same by all three transports: everything as planned, and watertight", async () => {
  const reports: Record<string, { observed: ObserveReport; validated: ValidationReport; identity: string }> = {};
  for (const [name, config] of Object.entries(TRANSPORTS)) {
    reports[name] = await withAccess(config, async ({ operations, identity }) => ({ identity, observed: await operations.observe(scope()), validated: await operations.validate(scope()) }));
  }
  expect(reports["direct"]!.observed.compartments).toEqual([
    { service: "auth", findings: [], isNew: false, statements: [], token: "token-of-auth", schemaVersion: expect.any(Number) as number },
    { service: "accounts", findings: [], isNew: false, statements: [], token: "token-of-accounts", schemaVersion: expect.any(Number) as number },
  ]);
  expect(reports["direct"]!.validated.checks.filter(({ status }) => status === "failed")).toEqual([]);
  for (const name of ["tunnel", "job"]) {
    expect(reports[name]!.observed).toEqual(reports["direct"]!.observed);
    expect(reports[name]!.identity).toBe(reports["direct"]!.identity);
    expect(verdicts(reports[name]!.validated)).toEqual(verdicts(reports["direct"]!.validated));
  }
});

it("keeps the address that leads there from here out of every stored secret", () => {
  for (const id of ["bulkhead-prod-admin", "bulkhead-prod-auth-app", "bulkhead-prod-accounts-migrator"]) {
    const text = Buffer.from(tier.api.secrets.find(id, "latest").data, "base64").toString("utf8");
    expect(Object.keys(JSON.parse(text) as object)).toEqual(["host", "port", "dbname", "username", "password", "sslmode", "ca", "url"]);
    expect(text).not.toContain(tier.sql.address);
    expect(text).not.toContain("127.0.0.1");
  }
});

it("never sends a password in a request to the job", () => {
  const passwords = ["bulkhead-prod-admin", "bulkhead-prod-auth-app"].map((id) => (JSON.parse(Buffer.from(tier.api.secrets.find(id, "latest").data, "base64").toString("utf8")) as { password: string }).password);
  const logs = tier.api.jobs.executions.flatMap(({ lines }) => lines).join("\n") + readFileSync(join(tier.sql.folder, "log"), "utf8");
  for (const password of passwords) expect(logs).not.toContain(password);
});

it("gives no service's role the provider's cloudsqlsuperuser", async () => {
  const rows = await withAccess(DIRECT, async ({ openSession }) => {
    const client = await openSession("postgres");
    try {
      return (await client.query<{ name: string }>("SELECT rolname AS name FROM pg_roles WHERE pg_has_role(oid, 'cloudsqlsuperuser', 'member') AND NOT rolsuper")).rows;
    } finally {
      await client.end();
    }
  });
  expect(rows.map(({ name }) => name).sort()).toEqual(["bulkhead_admin", "cloudsqlsuperuser"]);
});

it("makes the extension pgaudit in the database of every compartment", async () => {
  for (const { database } of tier.plan.compartments) expect(await runAsProvider(tier.sql, database.name, "SELECT extname FROM pg_extension WHERE extname = 'pgaudit'")).toHaveLength(1);
});

it("refuses a session of its own with transport job, and says which transport has them", async () => {
  await withAccess(JOB, async ({ openSession }) => {
    await expect(openSession("postgres")).rejects.toMatchObject({ code: "REACH_NO_SESSION", hint: expect.stringContaining("tunnel") as string });
  });
});
