import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ensureTls } from "../../../components/certificates/tls-files";
import { clickHouseRequest } from "../../../manager/src/clickhouse/request";
import { clickHouseSecret } from "../../../manager/src/clickhouse/secret";
import type { StoreSecretStore } from "../../../manager/src/stores/store";
import type { StoreSecret } from "../../../manager/src/stores/store-secret";
import { obtainClickHouse, startClickHouse } from "../../support/clickhouse-server";
import type { TestClickHouse } from "../../support/clickhouse-server";
import { describeWhere } from "../../support/describe-where";

const program = obtainClickHouse();
/** One name with a hyphen, one the beginning of another. */
const SERVICES = ["l2p", "l2p-extra", "auth"];
const signal = new AbortController().signal;

describeWhere("missing" in program ? program.missing : undefined, "services in ClickHouse 18.16, by files of users.d", () => {
  let server: TestClickHouse;

  beforeAll(async () => {
    if ("missing" in program) return;
    server = await startClickHouse(program);
    await server.store(SERVICES).setUp("first", signal);
  });
  afterAll(() => server?.dispose());
  // Whatever a test did: all is well again, by the product's own means.
  afterEach(async () => {
    rmSync(join(server.usersDirectory, "zz.xml"), { force: true });
    await server.store(SERVICES).setUp("again", signal);
  });

  const ask = async (secret: StoreSecret, sql: string, database = secret.scope): Promise<string> => (await clickHouseRequest(server.endpoint, { sql, login: secret, database })).text.trim();
  const usersFile = (): string => join(server.usersDirectory, "bulkhead.xml");
  const edit = (change: (text: string) => string): void => writeFileSync(usersFile(), change(readFileSync(usersFile(), "utf8")));

  it("each get a login, a database and a secret of their own, and a second setup finds nothing to do", async () => {
    for (const service of SERVICES) {
      const secret = await server.secretOf(service);
      expect(secret).toEqual(clickHouseSecret(server.endpoint, service, secret.password));
      expect(await ask(secret, "SELECT currentDatabase()")).toBe(service.replaceAll("-", "_"));
    }
    expect(new Set(await Promise.all(SERVICES.map(async (service) => (await server.secretOf(service)).password))).size).toBe(SERVICES.length);
    expect(await server.store(SERVICES).setUp("first", signal)).toEqual([]);
    expect(await server.store(SERVICES).observe()).toEqual({ token: "first", findings: [] });
  });

  it("keep their passwords and data when one is added, without a restart; one that is taken away is let in no more", async () => {
    const before = await Promise.all(SERVICES.map((service) => server.secretOf(service)));
    await ask(before[0]!, "CREATE TABLE kept (id UInt32) ENGINE = MergeTree() ORDER BY id");
    await ask(before[0]!, "INSERT INTO kept SELECT number FROM system.numbers LIMIT 1000");
    const more = server.store([...SERVICES, "l2p-extra-2"]);
    expect(await more.observe()).toMatchObject({ token: null });
    expect(await more.setUp("more", signal)).toEqual(["wrote the secret of l2p-extra-2 for ClickHouse", "wrote ClickHouse's users to bulkhead.xml", "made the database l2p_extra_2 in ClickHouse"]);
    expect(await more.observe()).toEqual({ token: "more", findings: [] });
    expect(await Promise.all(SERVICES.map((service) => server.secretOf(service)))).toEqual(before);
    expect(await ask(before[0]!, "SELECT count() FROM kept")).toBe("1000");

    await server.store(SERVICES).setUp("fewer", signal);
    await expect(ask(await server.secretOf("l2p-extra-2"), "SELECT 1")).rejects.toMatchObject({ exceptionCode: 192 });
    expect(await ask(before[0]!, "SELECT count() FROM kept")).toBe("1000");
  });

  it("a lost secret is a new password, and the old one is refused", async () => {
    const old = await server.secretOf("auth");
    rmSync(join(server.folder, "secrets", "auth", "clickhouse.json"));
    expect((await server.store(SERVICES).observe()).findings).toEqual(["auth has no secret for ClickHouse"]);
    await server.store(SERVICES).setUp("rotated", signal);
    expect((await server.secretOf("auth")).password).not.toBe(old.password);
    await expect(ask(old, "SELECT 1")).rejects.toMatchObject({ exceptionCode: 193 });
    expect(await ask(await server.secretOf("auth"), "SELECT 1")).toBe("1");
  });

  it.each<[string, () => Promise<void> | void, string]>([
    ["a password was chosen by hand", async () => server.secrets.writeStore("auth", "clickhouse", clickHouseSecret(server.endpoint, "auth", "hunter2")), "not a generated one"],
    ["a secret is half-written", () => writeFileSync(join(server.folder, "secrets", "auth", "clickhouse.json"), '{"host":', { mode: 0o600 }), "has no secret"],
    ["a secret leads elsewhere", async () => server.secrets.writeStore("auth", "clickhouse", { ...(await server.secretOf("auth")), host: "elsewhere", ca: "another" }), "has another host, ca"],
    ["somebody widened what a user may", () => edit((text) => text.replace("<database>auth</database>", "<database>auth</database><database>l2p</database>")), "not as it was written"],
    ["somebody took a user away", () => edit((text) => text.replace(/ {4}<auth>\n {6}<password[\s\S]*?<\/auth>\n/, "")), "not as it was written"],
    ["somebody took a limit away", () => edit((text) => text.replace(/<max_execution_time>\d+<\/max_execution_time>/, "")), "not as it was written"],
    ["the file is no XML any more", () => writeFileSync(usersFile(), "<yandex><users>"), "not as it was written"],
    ["the file is gone", () => rmSync(usersFile()), "is not there"],
    ["the token is gone", () => rmSync(join(server.usersDirectory, "bulkhead.token")), "was not finished"],
    ["a database is gone", async () => void (await ask(await server.secretOf("auth"), "DROP DATABASE auth", "system")), "auth has no database"],
  ])("are mended when %s, and the finding names no secret", async (_when, happen, finding) => {
    await happen();
    const { token, findings } = await server.store(SERVICES).observe();
    expect(token).toBeNull();
    expect(findings).toEqual([expect.stringContaining(finding)]);
    expect(findings.join()).not.toContain("hunter2");
    await server.store(SERVICES).setUp("mended", signal);
    expect(await server.store(SERVICES).observe()).toEqual({ token: "mended", findings: [] });
    expect(await ask(await server.secretOf("auth"), "SELECT currentDatabase()")).toBe("auth");
  });

  it("are mended when the server missed a change of the file", async () => {
    const other = server.store(SERVICES, { networks: ["127.0.0.1"] });
    await other.setUp("other", signal);
    const text = readFileSync(usersFile(), "utf8");
    await server.store(SERVICES).setUp("again", signal);
    // Changed within the second that the server has seen already.
    const { mtimeMs } = statSync(usersFile());
    writeFileSync(usersFile(), text);
    utimesSync(usersFile(), mtimeMs / 1000, mtimeMs / 1000);
    expect(await other.observe()).toEqual({ token: null, findings: ["ClickHouse does not work with bulkhead.xml as it is"] });
    expect(await other.setUp("mended", signal)).toEqual(["wrote ClickHouse's users to bulkhead.xml"]);
    expect(await other.observe()).toEqual({ token: "mended", findings: [] });
  });

  it("name a file that others put beside theirs, leave it there, and do not run a setup for it", async () => {
    const foreign = join(server.usersDirectory, "zz.xml");
    writeFileSync(foreign, "<yandex><users></users></yandex>");
    const { token, findings } = await server.store(SERVICES).observe();
    expect(token).toBe("again");
    expect(findings).toEqual(["zz.xml beside ClickHouse's users is not Bulkhead's, and what is in it holds"]);
    await server.store(SERVICES).setUp("again", signal);
    expect(existsSync(foreign)).toBe(true);
  });

  it("say which file keeps the server from reading theirs", async () => {
    writeFileSync(join(server.usersDirectory, "zz.xml"), "<yandex><users>");
    const store = server.store([...SERVICES, "late"], { reloadTimeoutMs: 3_000 });
    await expect(store.setUp("late", signal)).rejects.toMatchObject({ code: "CLICKHOUSE_NOT_RELOADED", message: expect.stringContaining("zz.xml") as string });
    rmSync(join(server.usersDirectory, "zz.xml"));
    await store.setUp("late", signal);
    expect(await store.observe()).toEqual({ token: "late", findings: [] });
  });

  it("are whole after two setups at once that both had to make everything", async () => {
    rmSync(join(server.folder, "secrets"), { recursive: true });
    rmSync(usersFile());
    const outcomes = await Promise.all(["one", "two"].map((token) => server.store(SERVICES).setUp(token, signal)));
    expect(outcomes.flat()).toContain("wrote ClickHouse's users to bulkhead.xml");
    expect(await server.store(SERVICES).observe()).toMatchObject({ token: expect.stringMatching(/^(?:one|two)$/) as string, findings: [] });
    for (const service of SERVICES) expect(await ask(await server.secretOf(service), "SELECT 1")).toBe("1");
  });

  it("are whole after a setup that was cut off at any point and run again", async () => {
    const lose = (): void => rmSync(join(server.folder, "secrets"), { recursive: true, force: true });
    lose();
    // After the second secret.
    let writes = 0;
    const failing: StoreSecretStore = { ...server.secrets, writeStore: async (...args) => ((writes += 1) > 2 ? Promise.reject(new Error("cut off")) : server.secrets.writeStore(...args)) };
    await expect(server.store(SERVICES, { secrets: failing }).setUp("cut", signal)).rejects.toThrow("cut off");
    const kept = await server.secretOf("l2p");
    expect((await server.store(SERVICES).observe()).token).toBeNull();
    // While the server has not read the file yet.
    const controller = new AbortController();
    const noting: StoreSecretStore = {
      ...server.secrets,
      writeStore: async (...args) => {
        await server.secrets.writeStore(...args);
        setImmediate(() => controller.abort(new Error("called off")));
      },
    };
    await expect(server.store(SERVICES, { secrets: noting }).setUp("cut", controller.signal)).rejects.toThrow();
    await server.store(SERVICES).setUp("whole", signal);
    expect(await server.store(SERVICES).observe()).toEqual({ token: "whole", findings: [] });
    expect(await server.secretOf("l2p")).toEqual(kept);
  });

  it("are set up by the next run where the server was killed under the first, and keep their rows", async () => {
    const secret = await server.secretOf("auth");
    await ask(secret, "CREATE TABLE IF NOT EXISTS kept (id UInt32) ENGINE = MergeTree() ORDER BY id");
    await ask(secret, "INSERT INTO kept VALUES (1)");
    const running = server.store([...SERVICES, "new"]).setUp("cut", signal);
    // Killed while it waits for the server to read the file.
    const failure = expect(running).rejects.toMatchObject({ code: "CLICKHOUSE_UNREACHABLE" });
    while (!readFileSync(usersFile(), "utf8").includes("<new>")) await new Promise((resolve) => setImmediate(resolve));
    await server.stop();
    await failure;
    await expect(server.store(SERVICES).observe()).rejects.toMatchObject({ code: "CLICKHOUSE_UNREACHABLE", hint: expect.stringContaining("bulkhead status") as string });
    await expect(server.store(SERVICES).setUp("down", signal)).rejects.toMatchObject({ code: "CLICKHOUSE_UNREACHABLE" });
    await server.start();
    await server.store([...SERVICES, "new"]).setUp("up", signal);
    expect(await server.store([...SERVICES, "new"]).observe()).toEqual({ token: "up", findings: [] });
    expect(await ask(secret, "SELECT count() FROM kept")).toBe("1");
  });

  it("are not told to a server with another certificate", async () => {
    const { ca } = await ensureTls({ directory: join(server.folder, "another"), hostNames: ["localhost"], addresses: [], progress: () => {} });
    await expect(server.store(SERVICES, { endpoint: { ...server.endpoint, ca } }).observe()).rejects.toMatchObject({ code: "CLICKHOUSE_UNREACHABLE", message: expect.stringMatching(/certificate/) as string });
  });

  it("refuse a service whose name is the server's own", async () => {
    await expect(server.store([...SERVICES, "system"]).setUp("x", signal)).rejects.toMatchObject({ code: "CLICKHOUSE_NAME" });
    rmSync(join(server.folder, "secrets", "system"), { recursive: true, force: true });
  });
});
