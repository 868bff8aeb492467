import { DEVELOPER_LIMITS } from "../../../manager/src/clickhouse/limits";
import { ClickHouseException } from "../../../manager/src/clickhouse/request";
import { clickHouseSecret } from "../../../manager/src/clickhouse/secret";
import { checkAdmin } from "../../../manager/src/clickhouse/validate/admin";
import { checkLimits } from "../../../manager/src/clickhouse/validate/limits";
import type { ServiceSession } from "../../../manager/src/clickhouse/validate/session";

// No server with grants can be had here: this proves what the checks make of its answers, which are as ClickHouse 26.9 gives them, and nothing about such a server.

const DENIED = new ClickHouseException(497, "Code: 497. DB::Exception: backend: Not enough privileges. (ACCESS_DENIED) (version 26.9.2.1)");
const CONSTRAINED = new ClickHouseException(452, "Code: 452. DB::Exception: Setting should not be changed. (SETTING_CONSTRAINT_VIOLATION)");
const SETTINGS = "max_memory_usage_for_user\t536870912\nmax_execution_time\t600\nmax_concurrent_queries_for_user\t50\n";
const QUOTA = "3600\t36000\t3600\t10000000000\t7200\n";

/** A session whose every statement is answered by `answer`; those that were sent are kept. */
function sessionWith(answer: (sql: string, settings: Readonly<Record<string, string>>) => string | Error) {
  const sent: string[] = [];
  const secret = clickHouseSecret({ host: "localhost", port: 8443, ca: "PEM" }, "backend", "p");
  const session: ServiceSession = {
    service: "backend",
    secret,
    version: "26.9.2.1",
    dialect: "grants",
    query: (sql, { settings = {} } = {}) => {
      sent.push(sql);
      const found = answer(sql, settings);
      return found instanceof Error ? Promise.reject(found) : Promise.resolve({ text: found, tlsVersion: "TLSv1.3" });
    },
  };
  return { session, sent };
}

/** A server as it should be. */
const sound = (sql: string, settings: Readonly<Record<string, string>>): string | Error => {
  if (sql.includes("system.settings")) return SETTINGS;
  if (sql.includes("system.quota_usage")) return QUOTA;
  return Object.keys(settings).length > 0 ? CONSTRAINED : DENIED;
};

it("nothing of an administrator's passes where everything is refused, a missing log included", async () => {
  const { session, sent } = sessionWith((sql, settings) => (sql.includes("query_log") ? new ClickHouseException(60, "Code: 60. unknown table") : sound(sql, settings)));
  expect(await checkAdmin(session)).toMatchObject({ status: "passed" });
  for (const what of ["CREATE DATABASE", "CREATE USER", "GRANT", "SYSTEM RELOAD", "file(", "url(", "remote(", "CREATE DICTIONARY", "system.processes", "system.users"]) expect(sent.join("\n")).toContain(what);
  expect(sent.join("\n")).not.toMatch(/DROP (?:USER|DATABASE|DICTIONARY)/);
});

it.each([
  ["CREATE DATABASE", /^DROP DATABASE `bulkhead_probe_\w+`$/],
  ["CREATE USER", /^DROP USER IF EXISTS `bulkhead_probe_\w+`$/],
  ["CREATE DICTIONARY", /^DROP DICTIONARY IF EXISTS `bulkhead_probe_\w+`$/],
])("%s that is allowed fails, and is undone", async (what, undo) => {
  const { session, sent } = sessionWith((sql, settings) => (sql.startsWith(what) || sql.startsWith("DROP") ? "" : sound(sql, settings)));
  expect(await checkAdmin(session)).toMatchObject({ status: "failed", detail: `${what} was allowed` });
  expect(sent.filter((sql) => undo.test(sql))).toHaveLength(1);
});

it.each(["GRANT", "SYSTEM DROP DNS CACHE", "SYSTEM RELOAD CONFIG", "file()", "url()", "remote()", "system.processes", "system.users", "system.query_log"])("%s that is allowed fails", async (what) => {
  const { session } = sessionWith((sql, settings) => (sql.includes(what.replace("()", "(")) && !sql.startsWith("CREATE") ? "" : sound(sql, settings)));
  expect(await checkAdmin(session)).toMatchObject({ status: "failed", detail: `${what} was allowed` });
});

it("an attempt that ends in another way than by the privilege proves nothing, so it fails", async () => {
  const { session } = sessionWith((sql, settings) => (sql.includes("url(") ? new ClickHouseException(210, "Code: 210. Connection refused") : sound(sql, settings)));
  expect(await checkAdmin(session)).toMatchObject({ status: "failed", detail: expect.stringContaining("says nothing") as string });
});

it("limits pass where they are in force, cannot be raised, and the quota is the planned one", async () => {
  expect(await checkLimits(sessionWith(sound).session, DEVELOPER_LIMITS)).toMatchObject({ status: "passed" });
});

it.each<[string, (sql: string, settings: Readonly<Record<string, string>>) => string | Error | undefined, string]>([
  ["a setting is another one", (sql) => (sql.includes("system.settings") ? SETTINGS.replace("600", "0") : undefined), "max_execution_time is 0 instead of 600"],
  ["a limit can be raised", (_sql, settings) => ("max_memory_usage_for_user" in settings ? "1" : undefined), "max_memory_usage_for_user = 536870913 was allowed"],
  ["the time of a query can be made endless", (_sql, settings) => (settings["max_execution_time"] === "0" ? "1" : undefined), "max_execution_time = 0 was allowed"],
  ["there is no quota", (sql) => (sql.includes("quota_usage") ? "" : undefined), "the quota's duration is  instead of 3600"],
  ["the quota is another one", (sql) => (sql.includes("quota_usage") ? QUOTA.replace("36000", "1") : undefined), "the quota's max_queries is 1 instead of 36000"],
])("limits fail where %s", async (_when, spoilt, detail) => {
  const { session } = sessionWith((sql, settings) => spoilt(sql, settings) ?? sound(sql, settings));
  expect(await checkLimits(session, DEVELOPER_LIMITS)).toMatchObject({ status: "failed", detail: expect.stringContaining(detail) as string });
});

it("limits are not claimed where the server hides the quota", async () => {
  const { session } = sessionWith((sql, settings) => (sql.includes("quota_usage") ? DENIED : sound(sql, settings)));
  expect(await checkLimits(session, DEVELOPER_LIMITS)).toMatchObject({ status: "skipped" });
});
