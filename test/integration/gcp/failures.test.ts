import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ReachConfig } from "../../../components/gcp/config/gcp-config";
import { googleClients } from "../../../components/gcp/google/clients";
import { ensureAdminLogin } from "../../../components/gcp/reach/admin-login";
import { locate } from "../../../components/gcp/reach/location";
import { secretManagerStore } from "../../../components/gcp/secrets/secret-store";
import type { TierAccess } from "../../../components/tier";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { clientConfig, withSession } from "../../../manager/src/postgres/connect";
import { createRequest } from "../../../manager/src/setup/request";
import { runAsProvider } from "../../support/simulated-cloud/behaviours/sql-server/sql-server";
import { ROOT, setGcloudFaults, STACK, startCloudTier } from "./cloud-tier";
import type { CloudTier } from "./cloud-tier";

const CATALOG = defineServices({ accounts: { port: 8001, connections: 5 } });
const DIRECT: ReachConfig = { transport: "direct", probe: null };
const TUNNEL: ReachConfig = { transport: "tunnel", members: [] };
const JOB: ReachConfig = { transport: "job", image: "europe-west1-docker.pkg.dev/p/r/setup@sha256:0" };

let tier: CloudTier;
const jobFaults: { entry?: string; lateReads?: number } = {};
const path = process.env["PATH"];

beforeAll(async () => {
  tier = await startCloudTier(CATALOG, jobFaults);
  process.env["PATH"] = tier.api.environment["PATH"];
  process.env["SIMULATED_CLOUD_DIR"] = tier.cloud.dir;
});

afterEach(() => {
  delete jobFaults.entry;
  jobFaults.lateReads = 0;
  setGcloudFaults(tier, {});
});

afterAll(async () => {
  process.env["PATH"] = path;
  await tier?.close();
});

const scope = () => ({ catalog: tier.catalog, plan: tier.plan, root: ROOT });

async function withAccess<T>(config: ReachConfig, use: (access: TierAccess) => Promise<T>): Promise<T> {
  const opened = await tier.reach(config).open({ makeAdmin: true });
  try {
    return await use(opened!.access);
  } finally {
    await opened!.close();
  }
}

function containing(text: string): string {
  return expect.stringContaining(text) as string;
}

/** A program that the job runs in place of its entry. */
function entry(source: string): string {
  const file = join(tier.cloud.dir, `entry-${Math.random().toString(36).slice(2)}.cjs`);
  writeFileSync(file, source);
  return file;
}

function tunnelProcesses(): number[] {
  return readFileSync(join(tier.cloud.dir, "gcloud.pids"), "utf8").trim().split("\n").map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("the admin's login", () => {
  it("ends with a password that works when two make it at once", async () => {
    const clients = googleClients(tier.settings);
    const location = await locate(clients, STACK);
    const options = { clients, stack: STACK, instance: location!.instance.name, endpoint: { ...location!.endpoint, reach: { host: tier.sql.address, port: 5432 } }, probe: true };
    const [first, second] = await Promise.all([ensureAdminLogin(options), ensureAdminLogin(options)]);
    const latest = await ensureAdminLogin(options);
    expect([first.password, second.password]).toContain(latest.password);
    expect(tier.api.secrets.read("bulkhead-prod-admin").filter(({ state }) => state === "ENABLED")).toHaveLength(1);
    await clients.close();
  });

  it("is mended when somebody set another password, also where only the job reaches the database", async () => {
    const passwordBefore = await withAccess(DIRECT, async ({ admin }) => admin.password);
    await runAsProvider(tier.sql, "postgres", "ALTER ROLE bulkhead_admin PASSWORD 'somebody else''s'");
    const report = await withAccess(JOB, ({ operations }) => operations.observe(scope()));
    expect(report.compartments).toHaveLength(1);
    expect(tier.progress.concat()).not.toContainEqual(containing(passwordBefore));
    await runAsProvider(tier.sql, "postgres", "ALTER ROLE bulkhead_admin PASSWORD 'somebody else''s'");
    await withAccess(DIRECT, async ({ admin }) => expect(admin.password).toBe(passwordBefore));
  });
});

describe("a session by way of another address", () => {
  it("is refused by a server whose certificate is not for the secret's host", async () => {
    await withAccess(DIRECT, async ({ admin }) => {
      await withSession(clientConfig(admin, "test"), async () => {});
      await expect(withSession(clientConfig({ ...admin, host: "other.sql.goog" }, "test"), async () => {})).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    });
  });
});

describe("the tunnel", () => {
  it("is started again when it dies, and the next session goes through", async () => {
    await withAccess(TUNNEL, async ({ operations }) => {
      process.kill(tunnelProcesses().at(-1)!, "SIGKILL");
      await until(() => tier.progress.some((line) => line.includes("starting it again")));
      expect((await operations.setUp({ ...scope(), service: "accounts", token: "t" })).schemaVersion).toBeGreaterThan(0);
    });
    await until(() => tunnelProcesses().every((pid) => !isAlive(pid)));
  });

  it("is one for all that use it at once, and ends with the last of them", async () => {
    const before = tunnelProcesses().length;
    await withAccess(TUNNEL, async () => withAccess(TUNNEL, ({ operations }) => operations.observe(scope())));
    expect(tunnelProcesses()).toHaveLength(before + 1);
    await until(() => tunnelProcesses().every((pid) => !isAlive(pid)));
  });

  it("says why gcloud does not open it", async () => {
    setGcloudFaults(tier, { refuse: "Error while connecting [4033: 'not authorized']." });
    await expect(tier.reach(TUNNEL).open({ makeAdmin: true })).rejects.toMatchObject({ code: "REACH_TUNNEL_FAILED", message: containing("not authorized"), hint: containing("iap.tunnelResourceAccessor") });
  });

  it("is refused before anything is created when gcloud is not logged in", async () => {
    setGcloudFaults(tier, { loggedOut: true });
    await expect(tier.reach(TUNNEL).preflight()).rejects.toMatchObject({ code: "REACH_GCLOUD_LOGIN", hint: "gcloud auth login" });
  });
});

describe("the job", () => {
  it("is waited for until its log has arrived", async () => {
    jobFaults.lateReads = 4;
    const report = await withAccess(JOB, ({ operations }) => operations.observe(scope()));
    expect(report.compartments).toEqual([expect.objectContaining({ service: "accounts" })]);
  });

  it("hands on the error that it ended with", async () => {
    const token = "t";
    await expect(withAccess(JOB, ({ operations }) => operations.setUp({ ...scope(), plan: { ...tier.plan, compartments: [] }, service: "accounts", token }))).rejects.toMatchObject({ code: "SERVICE_UNKNOWN", hint: containing("services.ts") });
  });

  it("is refused when its image holds other migrations than the checkout", async () => {
    const request = await createRequest({ kind: "validate", services: null }, scope());
    expect(Object.keys(request.schemas)).toEqual(["accounts"]);
    // The image stands still while the checkout goes on: here the checkout is another folder.
    const root = join(tier.cloud.dir, "checkout");
    cpSync(join(ROOT, "schemas/accounts"), join(root, "schemas/accounts"), { recursive: true });
    writeFileSync(join(root, "schemas/accounts/099_new.sql"), "SELECT 1;\n");
    await expect(withAccess(JOB, ({ operations }) => operations.observe({ ...scope(), root }))).rejects.toMatchObject({ code: "SETUP_IMAGE_STALE", message: containing("accounts"), hint: containing("docker build") });
  });

  it("is told by the end of its log when it dies without a report", async () => {
    jobFaults.entry = entry("console.log('out of memory, password=hunter22222'); process.exit(137)");
    // Every look at the clock finds it a while later: the report is waited for in vain, and not by the hour.
    let now = performance.now();
    const clock = jest.spyOn(performance, "now").mockImplementation(() => (now += 45_000));
    try {
      const failure = (await withAccess(JOB, ({ operations }) => operations.observe(scope())).catch((error: unknown) => error)) as Error & { code: string };
      expect(failure).toMatchObject({ code: "JOB_NO_REPORT", message: containing("out of memory") });
      expect(failure.message).not.toContain("hunter22222");
    } finally {
      clock.mockRestore();
    }
  });

  it("is cancelled when nobody waits for it any more", async () => {
    jobFaults.entry = entry("setInterval(() => {}, 1000)");
    const stop = new AbortController();
    await withAccess(JOB, async ({ operations }) => {
      const started = tier.api.jobs.executions.length;
      const running = operations.observe({ ...scope(), signal: stop.signal });
      running.catch(() => {});
      await until(() => tier.api.jobs.executions.length > started);
      stop.abort(new Error("Ctrl-C"));
      await expect(running).rejects.toThrow("Ctrl-C");
    });
    await tier.api.jobs.executions.at(-1)!.ended;
    expect(tier.api.jobs.executions.at(-1)!.cancelled).toBe(true);
  });

  it("is refused before anything is created when the caller may not run it", async () => {
    tier.api.deny("run.jobs.run");
    await expect(tier.reach(JOB).preflight()).rejects.toMatchObject({ code: "GCP_PERMISSION", message: containing("run.jobs.run") });
  });
});

describe("Google's APIs", () => {
  it("are asked again when they are busy", async () => {
    tier.api.inject({ path: /:access$/, httpStatus: 429, status: "RESOURCE_EXHAUSTED", times: 2 });
    tier.api.inject({ path: /\/instances$/, httpStatus: 503, status: "UNAVAILABLE", times: 1 });
    await withAccess(DIRECT, async ({ admin }) => expect(admin.username).toBe("bulkhead_admin"));
  });

  it("are not asked for ever", async () => {
    tier.api.inject({ path: /\/instances$/, httpStatus: 503, status: "UNAVAILABLE", times: 5 });
    await expect(tier.reach(DIRECT).open({ makeAdmin: true })).rejects.toMatchObject({ code: "GCP_BUSY" });
  });

  it("show a latest version that is disabled as an error with the command that enables it", async () => {
    const clients = googleClients(tier.settings);
    const store = secretManagerStore(clients, STACK);
    const ref = { service: "accounts", login: "app" } as const;
    const number = tier.api.secrets.read("bulkhead-prod-accounts-app").at(-1)!.number;
    tier.api.secrets.setState("bulkhead-prod-accounts-app", number, "DISABLED");
    await expect(store.read(ref)).rejects.toMatchObject({ code: "SECRET_DISABLED", hint: `gcloud secrets versions enable projects/simulated/secrets/bulkhead-prod-accounts-app/versions/${number}` });
    await expect(withAccess(DIRECT, ({ operations }) => operations.observe(scope()))).rejects.toMatchObject({ code: "SECRET_DISABLED" });
    tier.api.secrets.setState("bulkhead-prod-accounts-app", number, "ENABLED");
    expect(await store.read(ref)).toBeDefined();
    await clients.close();
  });

  it("are not reached with credentials that have expired, and the mend is named before anything is created", async () => {
    tier.api.expireCredentials();
    for (const config of [DIRECT, TUNNEL, JOB]) {
      await expect(tier.reach(config).preflight()).rejects.toMatchObject({ code: "GCP_CREDENTIALS", hint: containing("gcloud auth application-default login") });
    }
  });
});
