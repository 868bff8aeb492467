import { profileSettings } from "../limits";
import type { ClickHouseLimits } from "../limits";
import { quoteText } from "../quoting";
import { DENIED, expectRefusal, failed } from "./session";
import type { Finding, ServiceSession } from "./session";

/** SETTING_CONSTRAINT_VIOLATION, and READONLY of servers that call it so. */
const CONSTRAINED = [452, 164] as const;

/** Compares the session's settings and quota with what was planned, and tries to go beyond. */
export async function checkLimits(session: ServiceSession, limits: ClickHouseLimits): Promise<Finding> {
  const { query, dialect, version } = session;
  const wanted = profileSettings(limits);
  const { text } = await query(`SELECT name, value FROM system.settings WHERE name IN (${Object.keys(wanted).map(quoteText).join(", ")})`);
  const found = new Map(text.split("\n").map((line) => line.split("\t", 2) as [string, string]));
  const problems = Object.entries(wanted).flatMap(([name, value]) => (found.get(name) === value ? [] : [`${name} is ${found.get(name) ?? "not there"} instead of ${value}`]));
  if (dialect === "allow-databases") {
    if (problems.length > 0) return failed(problems.join("; "));
    return { status: "skipped", detail: `the limits are in force, but ClickHouse ${version} neither keeps a user from raising them for its own queries nor shows its quota; use a release from 23.8 on` };
  }

  for (const [name, value] of [...Object.entries(wanted).map(([name, value]) => [name, String(BigInt(value) + 1n)] as const), ["max_execution_time", "0"] as const]) {
    const { outcome, detail } = await expectRefusal(() => query("SELECT 1", { settings: { [name]: value } }), CONSTRAINED);
    if (outcome !== "refused") problems.push(`${name} = ${value} ${detail}`);
  }
  const quota = await checkQuota(session, limits);
  if (problems.length === 0) return quota;
  return failed([...problems, ...(quota.status === "failed" ? [quota.detail] : [])].join("; "));
}

async function checkQuota({ query }: ServiceSession, { quota }: ClickHouseLimits): Promise<Finding> {
  const wanted = { duration: quota.durationSeconds, max_queries: quota.queries, max_errors: quota.errors, max_read_rows: quota.readRows, max_execution_time: quota.executionSeconds };
  const columns = Object.keys(wanted).map((name) => `toString(${name})`);
  let text = "";
  const { outcome, detail } = await expectRefusal(async () => void ({ text } = await query(`SELECT ${columns.join(", ")} FROM system.quota_usage`)), DENIED);
  if (outcome === "unclear") return failed(`reading the quota ${detail}`);
  if (outcome === "refused") return { status: "skipped", detail: "the limits are in force and cannot be raised, but the server does not show a user its quota: its configuration lacks select_from_system_db_requires_grant" };
  const values = text.trim().split("\t");
  const problems = Object.entries(wanted).flatMap(([name, value], index) => (Number(values[index]) === value ? [] : [`the quota's ${name} is ${values[index] ?? "not there"} instead of ${value}`]));
  return problems.length > 0 ? failed(problems.join("; ")) : { status: "passed", detail: "limits and quota are in force, and raising a limit is refused" };
}
