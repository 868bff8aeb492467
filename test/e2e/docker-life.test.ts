import { rmSync, writeFileSync } from "node:fs";

import { Client } from "pg";

import { Checkout, processesIn } from "../support/checkout";
import { describeWhere } from "../support/describe-where";
import { obtainDocker } from "../support/docker/daemon";
import type { DockerDaemon } from "../support/docker/daemon";
import { DockerCheckout, SERVICES } from "../support/docker/docker-checkout";
import type { Report } from "../support/docker/docker-checkout";
import { lackOfImages, provideImages } from "../support/docker/images";
import { freePort } from "../support/free-port";

// The life of a docker stack on a real Docker engine and the real Pulumi engine, by the product's own command line. Only the plugin between the two
// is a double (test/support/simulated-cloud), and the images are made of Debian's packages: PostgreSQL 17, Redis 7.0, and a ClickHouse so old that it
// proves users' files and the protocol, not what newer servers make of `grants`.

const IMAGES = ["postgres:17", "redis:7", "clickhouse/clickhouse-server:25.8", "bulkhead-tests/service:1"] as const;
const SERVERS = ["shared-clickhouse", "shared-postgres", "shared-redis"];
const docker = obtainDocker();
const missing = "missing" in docker ? docker.missing : lackOfImages(...IMAGES);

describeWhere(missing, "a docker stack", () => {
  let daemon: DockerDaemon;
  let stack: DockerCheckout;
  let firstIds: readonly string[];
  /** Everything that any command wrote. */
  const written: string[] = [];

  /** Runs a command to its end, and insists on its success. */
  async function run(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await stack.bulkhead(args);
    written.push(stdout, stderr);
    if (exitCode !== 0) throw new Error(`bulkhead ${args.join(" ")} ended with ${exitCode}:\n${stderr}\n${stdout}`);
    return stdout;
  }

  async function up(): Promise<Awaited<ReturnType<DockerCheckout["up"]>>> {
    return JSON.parse(await run("up", "--output", "json")) as Awaited<ReturnType<DockerCheckout["up"]>>;
  }

  /** Runs a statement as a service's login over the published port, TLS and all. */
  async function query(service: string, statement: string): Promise<unknown[]> {
    const { host, port, dbname, username, password, ca } = stack.file<Record<string, string>>(`secrets/${service}/app.json`);
    const client = new Client({ host: host!, port: Number(port), database: dbname!, user: username!, password: password!, ssl: { ca } });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  const names = (): string[] => daemon.run("ps", "--all", "--format", "{{.Names}}").split("\n").filter((name) => name !== "").sort();
  const ids = (): string[] => daemon.run("inspect", "--format", "{{.Id}}", ...SERVERS).split("\n");
  const state = (container: string): string => daemon.run("inspect", "--format", "{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}", container);

  beforeAll(async () => {
    daemon = await (docker as Exclude<typeof docker, { missing: string }>).start();
    await provideImages(daemon, ...IMAGES);
    stack = await DockerCheckout.create({ daemon });
  });

  afterAll(async () => {
    try {
      await stack?.remove();
    } finally {
      await daemon?.stop();
    }
  });

  test("a preview of a stack that is not there knows what would be made, and makes nothing", async () => {
    const preview = await run("preview");
    for (const service of ["auth", "backend"]) expect(preview).toContain(`+ database ${service}_db with roles`);
    expect(stack.newOperations()).toEqual([]);
    expect({ containers: names(), volumes: daemon.run("volume", "ls", "--quiet") }).toEqual({ containers: [], volumes: "" });
  });

  test("a container of our name that is somebody else's stops an up before anything is made, and is not touched", async () => {
    const theirs = daemon.run("create", "--name", "shared-redis", "redis:7");
    const { exitCode, stderr } = await stack.bulkhead(["up"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("shared-redis") as string });
    expect(stack.newOperations()).toEqual([]);
    expect(daemon.run("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.State}}")).toBe(`${theirs} created`);
    daemon.run("rm", "shared-redis");
  });

  test("up makes it: every service ready, three servers healthy, reached at loopback only, and no secret to be seen", async () => {
    const result = await up();
    expect(result).toMatchObject({ version: 1, stack: "dev", target: "docker", ok: true });
    // The run that was refused has left the stack itself, and nothing else.
    expect(result.changes).toEqual({ same: 1, create: expect.any(Number) as number });
    expect(result.services.map(({ name, ready, schemaVersion }) => [name, ready, schemaVersion])).toEqual([["auth", true, 1], ["backend", true, 1]]);
    expect(names()).toEqual(SERVERS);
    expect(daemon.run("ps", "--format", "{{.Ports}}").match(/\S+->/g)!.every((published) => published.startsWith("127.0.0.1:"))).toBe(true);
    stack.newOperations();
    firstIds = ids();

    const passwords = [stack.file<{ password: string }>("secrets/admin.json"), ...["auth", "backend"].flatMap((service) => ["app", "migrator", "readonly"].map((login) => stack.file<{ password: string }>(`secrets/${service}/${login}.json`))), ...["redis", "clickhouse"].map((store) => stack.file<{ password: string }>(`secrets/backend/${store}.json`))].map(({ password }) => password);
    expect(new Set(passwords).size).toBe(9);
    const { stdout: exported } = await stack.pulumi(["stack", "export"]);
    const seen = [exported, daemon.run("inspect", ...SERVERS), ...SERVERS.map((server) => daemon.run("logs", server)), ...SERVERS.map((server) => daemon.run("top", server)), ...written];
    expect(passwords.filter((password) => seen.some((text) => text.includes(password)))).toEqual([]);
  });

  test("a second up and a preview change nothing", async () => {
    expect(Object.keys((await up()).changes)).toEqual(["same"]);
    expect(stack.newOperations()).toEqual([]);
    expect(ids()).toEqual(firstIds);
    expect(await run("preview")).toMatch(/resources: \d+ same\n/);
  });

  test("it proves the same about every service as the laptop's target does, and the stores besides", async () => {
    const local = await Checkout.create({ services: SERVICES });
    try {
      await local.up();
      const expected = await local.json<Report>("validate");
      const report = JSON.parse(await run("validate", "--output", "json")) as Report;
      // Whether the laptop has Redis and ClickHouse is the machine's affair.
      const statuses = ({ checks }: Report): string[] => checks.filter(({ id }) => !/^(redis|clickhouse)-/.test(id)).map(({ id, service, status }) => `${service} ${id} ${status}`);
      expect(statuses(report)).toEqual(statuses(expected));
      expect(report.checks.filter(({ status }) => status === "failed")).toEqual([]);
      const stores = report.checks.filter(({ id, service }) => /^(redis|clickhouse)-/.test(id) && service === "backend").map(({ id, status }) => `${id} ${status}`);
      // Skipped is what ClickHouse 18.16 cannot do, and says so.
      expect(stores.sort()).toEqual(["clickhouse-access passed", "clickhouse-limits skipped", "clickhouse-no-admin skipped", "clickhouse-no-anonymous passed", "clickhouse-no-foreign-database passed", "redis-access passed", "redis-no-admin passed", "redis-no-anonymous passed", "redis-no-foreign-keys passed"]);
    } finally {
      local.remove();
    }
  });

  test("down stops it, and the next up starts the same containers with their data", async () => {
    daemon.run("exec", "--user", "postgres", "shared-postgres", "psql", "--dbname", "auth_db", "--command", "SET ROLE auth_owner; CREATE TABLE kept (what text); INSERT INTO kept VALUES ('through it all')");
    await run("down");
    expect(SERVERS.map((server) => state(server).split(" ")[0])).toEqual(["exited", "exited", "exited"]);
    const { changes } = await up();
    expect(await query("auth", "SELECT what FROM kept")).toEqual([{ what: "through it all" }]);
    expect({ changes: Object.keys(changes), ids: ids() }).toEqual({ changes: ["same"], ids: firstIds });
  });

  test("servers that were killed run again, and what was removed by hand is made again with its data", async () => {
    daemon.run("kill", "--signal", "KILL", "shared-clickhouse");
    daemon.run("rm", "--force", "shared-postgres");
    daemon.run("rm", "--force", "shared-redis");
    expect(await up()).toMatchObject({ ok: true });
    expect(names()).toEqual(SERVERS);
    expect(SERVERS.map((server) => state(server).split(" ")[0])).toEqual(["running", "running", "running"]);
    expect(await query("auth", "SELECT what FROM kept")).toEqual([{ what: "through it all" }]);
  });

  test("a lost password, users changed by hand and lost files of users are mended", async () => {
    rmSync(stack.checkout.path(".bulkhead/dev/docker/secrets/auth/app.json"));
    writeFileSync(stack.checkout.path(".bulkhead/dev/docker/users/redis/users.acl"), "user default on nopass ~* &* +@all\n");
    rmSync(stack.checkout.path(".bulkhead/dev/docker/users/clickhouse/bulkhead.xml"));
    const before = ids();
    expect(await up()).toMatchObject({ ok: true });
    expect(await query("auth", "SELECT current_user")).toEqual([{ current_user: "auth_user" }]);
    expect(JSON.parse(await run("validate", "--output", "json"))).toMatchObject({ ok: true });
    expect(ids()).toEqual(before);
  });

  test("a new service with an image gets its database and runs beside the servers, which nobody touches", async () => {
    const port = await freePort();
    const before = ids();
    stack.newOperations();
    stack.checkout.declare(`${SERVICES} reports: { port: ${port}, image: "bulkhead-tests/service:1" },`);
    stack.checkout.write("schemas/reports/001_reports.sql", "CREATE TABLE reports (id bigint PRIMARY KEY);\n");
    stack.checkout.write("schemas/reports/001_reports.rollback.sql", "DROP TABLE reports;\n");
    const { services } = await up();
    expect(services.find(({ name }) => name === "reports")).toMatchObject({ ready: true, schemaVersion: 1 });
    expect(ids()).toEqual(before);
    expect(stack.newOperations().filter((operation) => !operation.startsWith("create "))).toEqual([]);

    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    expect({ status: answer.status, body: await answer.json() }).toEqual({ status: 200, body: { user: "reports_user", database: "reports_db" } });
    expect(daemon.run("inspect", "bulkhead-dev-reports")).not.toContain(stack.file<{ password: string }>("secrets/reports/app.json").password);
    expect(stack.checkout.read(".bulkhead/dev/docker/env/reports.env")).toMatch(/postgresql:\/\/reports_user:[^@]+@shared-postgres:5432\/reports_db/);
    expect(stack.checkout.read(".bulkhead/dev/docker/env/reports.host.env")).toMatch(/postgresql:\/\/reports_user:[^@]+@localhost:\d+\/reports_db/);
    expect(Object.keys((await up()).changes)).toEqual(["same"]);
  });

  test("the laptop's target and back again: each keeps its data", async () => {
    const settings = stack.checkout.read("Pulumi.dev.yaml");
    await run("down");
    stack.configure({ "bulkhead:target": undefined, "bulkhead:images": undefined, "bulkhead:postgres": undefined, "bulkhead:redis": undefined, "bulkhead:clickhouse": undefined });
    expect(await up()).toMatchObject({ ok: true, target: "local" });
    await run("down");
    stack.checkout.write("Pulumi.dev.yaml", settings);
    expect(await up()).toMatchObject({ ok: true, target: "docker" });
    expect(await query("auth", "SELECT what FROM kept")).toEqual([{ what: "through it all" }]);
  });

  test("destroyed, everything of it is gone, and nothing else", async () => {
    daemon.run("volume", "create", "theirs");
    daemon.run("create", "--name", "theirs", "redis:7");
    daemon.run("network", "create", "theirs");
    // Their order, of two made in the same second, is any.
    const images = (): string[] => daemon.run("images", "--quiet").split("\n").sort();
    const imagesBefore = images();
    await run("down", "--destroy", "--yes");
    expect(names()).toEqual(["theirs"]);
    expect(daemon.run("volume", "ls", "--quiet").split("\n").filter((name) => /bulkhead|theirs/.test(name))).toEqual(["theirs"]);
    expect(daemon.run("network", "ls", "--format", "{{.Name}}").split("\n").sort()).toEqual(["bridge", "host", "none", "theirs"]);
    expect(images()).toEqual(imagesBefore);
    expect(processesIn(stack.checkout.root)).toEqual([]);
  });
});
