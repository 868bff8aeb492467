import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { rootCertificates } from "node:tls";

import { fileSecretStore } from "../../../manager/src/secrets/file-store";
import { validate } from "../../../manager/src/validate";
import { containing, failedChecks, failedRules, matching, startValidatedTier } from "./tier";
import type { ValidatedTier } from "./tier";

let tier: ValidatedTier;
beforeAll(async () => {
  tier = await startValidatedTier();
});
afterAll(() => tier?.stop());

/** Has the server read its configuration again, and waits until it has. */
async function reload(): Promise<void> {
  const loadedAt = async (): Promise<unknown> => (await tier.asAdmin("postgres", "SELECT pg_conf_load_time()::text AS at"))[0]!["at"];
  const before = await loadedAt();
  process.kill(Number(readFileSync(join(tier.server.directory, "data", "postmaster.pid"), "utf8").split("\n")[0]), "SIGHUP");
  while ((await loadedAt()) === before) await delay(20);
}

test("a server that would take a password without TLS is found, and none of ours is sent", async () => {
  const path = join(tier.server.directory, "data", "pg_hba.conf");
  const right = readFileSync(path, "utf8");
  writeFileSync(path, `host all all 127.0.0.1/32 password\nhost all all ::1/128 password\n${right}`);
  await reload();
  try {
    const report = await tier.validate();
    expect(failedRules(report)).toEqual(["tls-session"]);
    expect(failedChecks(report).map(({ service, detail }) => [service, detail])).toEqual(["alpha", "beta"].map((service) => [service, matching(/^without TLS: ended with .*28P01.*refused with 28000$/)]));
  } finally {
    writeFileSync(path, right);
    await reload();
  }
  expect(failedChecks(await tier.validate())).toEqual([]);
});

test("a secret with another authority does not get in, and the certificate is named as the cause", async () => {
  const directory = join(tier.server.directory, "secrets");
  const store = fileSecretStore(directory);
  const secret = (await store.read({ service: "alpha", login: "app" }))!;
  await store.write({ service: "alpha", login: "app" }, { ...secret, ca: rootCertificates[0]! });

  const report = await tier.validate();

  expect(failedChecks(report)).toEqual([
    expect.objectContaining({ id: "secret-whole", service: "alpha", detail: "app: ca is another certificate than the tier's" }),
    expect.objectContaining({ id: "login", service: "alpha" }),
    expect.objectContaining({ id: "tls-certificate", service: "alpha", detail: containing("not from the secret's authority") }),
  ]);
  await tier.provision();
  expect(failedChecks(await tier.validate())).toEqual([]);
});

test("a folder in a secret's place is a failed check, and the other logins are judged", async () => {
  const path = join(tier.server.directory, "secrets", "beta", "readonly.json");
  const text = readFileSync(path);
  rmSync(path);
  mkdirSync(path);
  try {
    const report = await tier.validate();
    expect(failedChecks(report)).toEqual([expect.objectContaining({ id: "secret-whole", service: "beta", detail: containing("it is a folder"), heal: containing("mv ") })]);
    expect(report.checks).toContainEqual(expect.objectContaining({ id: "readonly-cannot-write", service: "beta", status: "skipped" }));
    expect(report.checks).toContainEqual(expect.objectContaining({ id: "write-probe", service: "beta", status: "passed" }));
  } finally {
    rmdirSync(path);
    writeFileSync(path, text, { mode: 0o600 });
  }
});

test("an abort ends it, and no session stays", async () => {
  const { options, plan } = tier;
  await expect(validate(plan, { ...options, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  const [row] = await tier.asAdmin("postgres", "SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name = 'bulkhead validate'");
  expect(row).toEqual({ sessions: 0 });
});

test("an edited migration is named with its file", async () => {
  const path = join(tier.alphaSchema, "001_initial.sql");
  const right = readFileSync(path, "utf8");
  writeFileSync(path, `${right}\n-- edited`);
  try {
    expect(failedChecks(await tier.validate())).toEqual([expect.objectContaining({ id: "schema-version", service: "alpha", detail: containing("edited after it was applied"), heal: "npx bulkhead migrate status alpha" })]);
  } finally {
    writeFileSync(path, right);
  }
});

test("a missing schema folder is a failed check, not an end of the validation", async () => {
  const { options, plan } = tier;
  const report = await validate(plan, { ...options, root: join(options.root, "nowhere") });
  expect(failedRules(report)).toEqual(["schema-version"]);
});

test("a dropped database is named, the other compartments are still judged, and provisioning makes an empty one", async () => {
  // DROP DATABASE stands alone, so the admin has to have the owner's rights before.
  await tier.asAdmin("postgres", "GRANT alpha_owner TO bulkhead_admin WITH INHERIT TRUE");
  await tier.asAdmin("postgres", "DROP DATABASE alpha_db");
  await tier.asAdmin("postgres", "GRANT alpha_owner TO bulkhead_admin WITH INHERIT FALSE");
  const report = await tier.validate();

  expect(failedRules(report)).toEqual(["database-exists", "database-connection-limit", "database-privileges", "login"]);
  // What is not known is not passed.
  expect(report.checks).toContainEqual(expect.objectContaining({ id: "object-owner", service: "alpha", status: "skipped" }));
  expect(failedChecks(report)).toContainEqual(expect.objectContaining({ id: "login", service: "alpha", detail: matching(/^app: alpha_user does not get into alpha_db: .*\(3D000\)$/) }));
  expect(failedChecks(report).every(({ service }) => service === "alpha")).toBe(true);

  await tier.provision();
  expect(failedRules(await tier.validate())).toEqual(["schema-version"]);
});
