import { findBinaries } from "../../../components/local/server/binaries";
import { dataDirectoryOf, serverPaths } from "../../../components/local/server/paths";
import { runProgram } from "../../../components/local/server/run-program";
import { chooseIdentities } from "../../../components/local/server/run-as";
import { ensureServer, stopServer } from "../../../components/local/server/server";
import { containing, failedChecks, matching, startValidatedTier } from "./tier";
import type { ValidatedTier } from "./tier";

let tier: ValidatedTier;
beforeAll(async () => {
  tier = await startValidatedTier();
});
afterAll(() => tier?.stop());

/** Runs SQL as the superuser, whom nobody is over the network: on the stopped server. */
async function asSuperuser(sql: string): Promise<void> {
  const { directory, port } = tier.server;
  await stopServer({ directory, progress: () => undefined });
  const dataDirectory = dataDirectoryOf(serverPaths(directory));
  const result = await runProgram(findBinaries().postgres, ["--single", "-j", "-D", dataDirectory, "-c", "exit_on_error=on", "postgres"], {
    owner: chooseIdentities(directory, dataDirectory).server,
    input: `${sql};\n\n`,
    timeoutMs: 30_000,
  });
  expect(result.exitCode).toBe(0);
  await ensureServer({ directory, stack: "test", maxConnections: 60, durability: "off", preferredPort: port, progress: () => undefined });
}

test("a login that was made a superuser is found by every rule about what it must not do, and does no harm in being tried", async () => {
  await asSuperuser("ALTER ROLE alpha_user SUPERUSER");
  const report = await tier.validate();

  const failed = failedChecks(report).filter(({ service }) => service === "alpha");
  expect(failed).toContainEqual(expect.objectContaining({ id: "role-attributes", detail: containing("NOSUPERUSER"), heal: matching(/^-- as a superuser/) }));
  for (const [id, text] of [
    ["no-foreign-database", "is let in"],
    ["no-create", "CREATE TABLE in public is allowed"],
    ["no-temporary-tables", "is allowed"],
    ["no-schema-change", "may TRUNCATE on"],
    ["no-history-write", "is allowed"],
    ["no-set-role", "SET ROLE"],
    ["no-session-authorization", "SET SESSION AUTHORIZATION alpha_app is allowed"],
    ["no-server-control", "CREATE ROLE bulkhead_probe is allowed"],
    ["no-server-files", "SELECT pg_read_file('PG_VERSION') is allowed"],
    ["no-role-secrets", "SELECT rolpassword FROM pg_catalog.pg_authid LIMIT 1 is allowed"],
    ["no-foreign-statements", "SELECT query FROM extensions.pg_stat_statements LIMIT 1 is allowed"],
    ["no-foreign-activity", "can be read in pg_stat_activity"],
    ["no-foreign-signals", "is allowed"],
  ]) {
    expect([id, failed.filter((check) => check.id === id).map(({ detail }) => detail).join("; ")]).toEqual([id, containing(text!)]);
  }
  // beta is as it was, and so is everything that the superuser could have changed.
  expect(failedChecks(report).filter(({ service }) => service !== "alpha").map(({ id, detail }) => [id, detail])).toEqual([]);

  await asSuperuser("ALTER ROLE alpha_user NOSUPERUSER");
  expect(failedChecks(await tier.validate())).toEqual([]);
});
