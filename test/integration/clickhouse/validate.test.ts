import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { DEVELOPER_LIMITS } from "../../../manager/src/clickhouse/limits";
import { clickHouseRequest } from "../../../manager/src/clickhouse/request";
import { clickHouseSecret } from "../../../manager/src/clickhouse/secret";
import { generatePassword } from "../../../manager/src/secrets/secret";
import type { StoreSecret } from "../../../manager/src/stores/store-secret";
import type { Evidence } from "../../../manager/src/validate/report";
import { obtainClickHouse, startClickHouse } from "../../support/clickhouse-server";
import type { TestClickHouse } from "../../support/clickhouse-server";
import { describeWhere } from "../../support/describe-where";

const program = obtainClickHouse();
const SERVICES = ["l2p", "l2p-extra", "auth"];
const signal = new AbortController().signal;

describeWhere("missing" in program ? program.missing : undefined, "checks of ClickHouse from the inside, on 18.16", () => {
  let server: TestClickHouse;

  beforeAll(async () => {
    if ("missing" in program) return;
    server = await startClickHouse(program);
    await server.store(SERVICES).setUp("first", signal);
  });
  afterAll(() => server?.dispose());
  afterEach(async () => {
    rmSync(foreign(), { force: true });
    await server.store(SERVICES).setUp("again", signal);
  });

  const foreign = (): string => join(server.usersDirectory, "zz.xml");
  const ask = async (secret: StoreSecret | null, sql: string, database = "system"): Promise<string> => (await clickHouseRequest(server.endpoint, { sql, login: secret, database })).text.trim();
  const validate = (): Promise<readonly Evidence[]> => server.store(SERVICES).validate(signal);
  const statusOf = (evidence: readonly Evidence[], rule: string, service = "auth"): string => {
    const found = evidence.filter((piece) => piece.rule === rule && piece.service === service);
    expect(found).toHaveLength(1);
    return `${found[0]!.status}: ${found[0]!.detail}`;
  };
  /** Puts something beside the users' file that changes them, and waits until it is in force. What the test before put there may be so for two seconds more: no two tests look for the same. */
  const spoil = async (xml: string, isInForce: () => Promise<boolean>): Promise<void> => {
    writeFileSync(foreign(), `<yandex>${xml}</yandex>`);
    for (const deadline = Date.now() + 20_000; !(await isInForce().catch(() => false)); ) {
      if (Date.now() > deadline) throw new Error("the server has not read the file");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  it("pass what holds, and claim nothing of what this version cannot hold: SYSTEM commands, table functions, system tables, constraints, sight of the quota", async () => {
    const evidence = await validate();
    for (const service of SERVICES) {
      expect(statusOf(evidence, "clickhouse-access", service)).toMatch(/^passed: made, filled and read a table of \w+ over TLSv1\.[23], the server verified$/);
      expect(statusOf(evidence, "clickhouse-no-foreign-database", service)).toMatch(/^passed: .* refused in \w+, \w+ and default$/);
      expect(statusOf(evidence, "clickhouse-no-anonymous", service)).toMatch(/^passed/);
      expect(statusOf(evidence, "clickhouse-no-admin", service)).toMatch(/^skipped: CREATE DATABASE is refused, but ClickHouse 18\.16\.1 has no grants/);
      expect(statusOf(evidence, "clickhouse-limits", service)).toMatch(/^skipped: the limits are in force, but ClickHouse 18\.16\.1/);
    }
    expect(evidence).toHaveLength(SERVICES.length * 5);
  });

  it("leave nothing behind, and take away what a run had to leave that was killed; what only looks like it stays", async () => {
    const secret = await server.secretOf("auth");
    const stale = `bulkhead_probe_${Math.floor(Date.now() / 1000) - 7_200}_0123456789ab`;
    const fresh = `bulkhead_probe_${Math.floor(Date.now() / 1000)}_0123456789ab`;
    for (const name of [stale, fresh, "bulkhead_probe_mine"]) await ask(secret, `CREATE TABLE ${name} (id UInt8) ENGINE = Memory`, "auth");
    await validate();
    expect((await ask(secret, "SELECT name FROM system.tables WHERE database = 'auth' ORDER BY name")).split("\n")).toEqual([fresh, "bulkhead_probe_mine"]);
    for (const name of [fresh, "bulkhead_probe_mine"]) await ask(secret, `DROP TABLE ${name}`, "auth");
    for (const service of SERVICES) {
      const own = await server.secretOf(service);
      expect(await ask(own, `SELECT count() FROM system.tables WHERE database = '${own.scope}'`)).toBe("0");
    }
  });

  it("fail where a service gets into another's database, and drop nothing but what they made", async () => {
    const [auth, l2p] = await Promise.all([server.secretOf("auth"), server.secretOf("l2p")]);
    await ask(l2p, "CREATE TABLE theirs (id UInt32) ENGINE = MergeTree() ORDER BY id", "l2p");
    await spoil("<users><auth><allow_databases><database>auth</database><database>l2p</database></allow_databases></auth></users>", async () => (await ask(auth, "EXISTS TABLE l2p.theirs")) === "1" && (await ask(auth, "SELECT count() FROM l2p.theirs")) === "0");
    const evidence = await validate();
    const detail = statusOf(evidence, "clickhouse-no-foreign-database");
    expect(detail).toMatch(/^failed: SELECT from l2p was allowed; sees the names of tables in l2p; INSERT into l2p was allowed; DROP TABLE in l2p was allowed; CREATE TABLE in l2p was allowed$/);
    expect(statusOf(evidence, "clickhouse-no-foreign-database", "l2p")).toMatch(/^passed/);
    expect(await ask(l2p, "SELECT name FROM system.tables WHERE database = 'l2p'")).toBe("theirs");
    await ask(l2p, "DROP TABLE theirs", "l2p");
  });

  it("fail where a service can make databases, and leave none", async () => {
    const auth = await server.secretOf("auth");
    await spoil('<users><auth><allow_databases remove="1"/></auth></users>', async () => (await ask(auth, "SELECT count() FROM system.databases WHERE name = 'l2p_extra'")) === "1");
    expect(statusOf(await validate(), "clickhouse-no-admin")).toBe("failed: CREATE DATABASE was allowed");
    expect(await ask(auth, "SELECT count() FROM system.databases WHERE name LIKE 'bulkhead%'")).toBe("0");
  });

  it("fail where somebody without a password gets in", async () => {
    await spoil("<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users><quotas><default></default></quotas>", async () => (await ask(null, "SELECT 1")) === "1");
    expect(statusOf(await validate(), "clickhouse-no-anonymous")).toBe("failed: no login was allowed; default without a password was allowed");
  });

  it("fail where a limit is another one than was planned", async () => {
    const auth = await server.secretOf("auth");
    await spoil("<profiles><bulkhead_service><max_execution_time>6000</max_execution_time></bulkhead_service></profiles>", async () => (await ask(auth, "SELECT value FROM system.settings WHERE name = 'max_execution_time'")) === "6000");
    expect(statusOf(await validate(), "clickhouse-limits")).toBe("failed: max_execution_time is 6000 instead of 600");
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    ["is lost", async () => rmSync(join(server.folder, "secrets", "auth", "clickhouse.json")), /^failed: there is no secret$/],
    ["has a wrong password", async () => server.secrets.writeStore("auth", "clickhouse", clickHouseSecret(server.endpoint, "auth", generatePassword())), /^failed: .*Code: 193/],
    ["trusts another authority", async () => server.secrets.writeStore("auth", "clickhouse", { ...(await server.secretOf("auth")), ca: server.endpoint.ca.replace(/[A-Za-z]{8}/g, "AAAAAAAA") }), /^failed: /],
  ])("fail for a service whose secret %s, try nothing else with it, and of the others do not claim that they were kept out of what was not tried", async (_what, happen, detail) => {
    await happen();
    const evidence = await validate();
    expect(statusOf(evidence, "clickhouse-access")).toMatch(detail);
    for (const rule of ["clickhouse-no-foreign-database", "clickhouse-no-admin", "clickhouse-limits", "clickhouse-no-anonymous"]) expect(statusOf(evidence, rule)).toBe("skipped: could not be tried: the service does not get in");
    expect(statusOf(evidence, "clickhouse-access", "l2p")).toMatch(/^passed/);
    expect(statusOf(evidence, "clickhouse-no-foreign-database", "l2p")).toMatch(/^skipped: .*not tried on auth/);
  });

  it("fail, and do not break off, where the server is down", async () => {
    await server.stop();
    try {
      expect(statusOf(await validate(), "clickhouse-access")).toMatch(/^failed: .*cannot be reached/);
    } finally {
      await server.start();
    }
  });

  it("would fail on a limit that is enforced by nobody: memory, time and quota of a service end its queries", async () => {
    const limits = { ...DEVELOPER_LIMITS, maxMemoryBytesForUser: 16 * 1024 ** 2, maxQuerySeconds: 1, quota: { ...DEVELOPER_LIMITS.quota, queries: 60 } };
    await server.store(SERVICES, { limits }).setUp("small", signal);
    const auth = await server.secretOf("auth");
    await expect(ask(auth, "SELECT count() FROM (SELECT number FROM system.numbers LIMIT 10000000) GROUP BY number")).rejects.toMatchObject({ exceptionCode: 241 });
    await expect(ask(auth, "SELECT count() FROM system.numbers")).rejects.toMatchObject({ exceptionCode: 159 });
    const until = async (): Promise<never> => {
      for (let query = 0; query < 100; query += 1) await ask(auth, "SELECT 1");
      throw new Error("the quota never ended");
    };
    await expect(until()).rejects.toMatchObject({ exceptionCode: 201 });
    // Another service has a quota of its own.
    expect(await ask(await server.secretOf("l2p"), "SELECT 1")).toBe("1");
  });
});
