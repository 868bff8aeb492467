import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { ensureDockerAccess, openDockerAccess, previewDockerAccess } from "../../../components/docker/access";
import { removeStack, stopStack } from "../../../components/docker/lifecycle";
import { requireNoObstacles } from "../../../components/docker/lifecycle-obstacles";
import { CONTAINERS, NETWORK, volumeName } from "../../../components/docker/names";
import { dockerPaths } from "../../../components/docker/paths";
import { dockerLogs, dockerStatus } from "../../../components/docker/status";
import { majorInVolume } from "../../../components/docker/volumes";
import type { TierAccess } from "../../../components/tier";
import { closeSession } from "../../../manager/src/postgres/connect";
import { obtainDocker } from "../../support/docker/daemon";
import type { DockerDaemon } from "../../support/docker/daemon";
import { lackOfImages, provideImages } from "../../support/docker/images";
import { createTestStack } from "./stack";
import type { TestStack } from "./stack";
import { freePort } from "../../support/free-port";

const docker = obtainDocker();
const lack = "missing" in docker ? docker.missing : lackOfImages("postgres:17", "redis:7", "clickhouse/clickhouse-server:25.8");

/** What one value is, asked as the admin. */
async function ask(access: TierAccess, sql: string, database = "postgres"): Promise<unknown> {
  const session = await access.openSession(database);
  try {
    const { rows } = await session.query<{ value: unknown }>(sql);
    return rows[0]?.value;
  } finally {
    await closeSession(session);
  }
}

const describeHere = lack === undefined ? describe : describe.skip;

describeHere(`a docker stack on a real daemon${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  let daemon: DockerDaemon;
  let stack: TestStack;
  const environment = { ...process.env };

  beforeAll(async () => {
    if ("missing" in docker) throw new Error(docker.missing);
    daemon = await docker.start();
    Object.assign(process.env, daemon.env);
    await provideImages(daemon, "postgres:17", "redis:7", "clickhouse/clickhouse-server:25.8");
  }, 300_000);

  afterAll(async () => {
    await daemon.stop();
    for (const name of Object.keys(daemon.env)) {
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
    }
  });

  afterEach(async () => {
    await daemon.clear();
    stack.remove();
  });

  test("that is not there has a status, no way in, and nothing in its way", async () => {
    stack = await createTestStack(daemon);
    expect(await dockerStatus(stack.context)).toMatchObject({ running: false, reason: "it was not made yet, or was removed" });
    await expect(openDockerAccess(stack.context)).rejects.toMatchObject({ code: "TIER_NOT_RUNNING" });
    expect(await previewDockerAccess(stack.context)).toBeNull();
    expect(await stopStack(stack.context)).toBe(false);
    await requireNoObstacles(stack.context);
  });

  test("is started, set up, stopped, killed and started again with its data and its identity", async () => {
    stack = await createTestStack(daemon);
    await stack.make();
    // A preview makes no admin.
    expect(await previewDockerAccess(stack.context)).toBeNull();
    const access = await ensureDockerAccess(stack.context);
    expect(access.endpoint).toMatchObject({ host: "localhost" });
    expect(access.serverVersion).toMatch(/^17\.\d+$/);
    expect(await ask(access, "SELECT system_identifier::text AS value FROM pg_control_system()")).toBe(access.identity);
    expect(await ask(access, "SELECT rolsuper AS value FROM pg_roles WHERE rolname = current_user")).toBe(false);
    expect(await ask(access, "SELECT datistemplate AS value FROM pg_database WHERE datname = 'bulkhead_template'")).toBe(true);
    expect(await ask(access, "SELECT has_database_privilege('public', 'postgres', 'CONNECT') AS value")).toBe(false);
    await ask(access, "CREATE SCHEMA kept CREATE TABLE kept (n int DEFAULT 1)");
    await ask(access, "INSERT INTO kept.kept DEFAULT VALUES");

    stack.told.length = 0;
    expect((await ensureDockerAccess(stack.context)).identity).toBe(access.identity);
    expect(stack.told).toEqual([]);
    await requireNoObstacles(stack.context);
    expect(await majorInVolume(volumeName("dev", "postgres"))).toBe(17);
    expect(await dockerStatus(stack.context)).toMatchObject({ running: true, port: access.endpoint.port });

    expect(await stopStack(stack.context)).toBe(true);
    expect(await dockerStatus(stack.context)).toMatchObject({ running: false, reason: "it was stopped" });
    await expect(openDockerAccess(stack.context)).rejects.toMatchObject({ code: "TIER_NOT_RUNNING", hint: "npx bulkhead up" });
    expect((await previewDockerAccess(stack.context))?.identity).toBe(access.identity);

    daemon.run("kill", CONTAINERS.postgres);
    expect(await dockerStatus(stack.context)).toMatchObject({ running: false, reason: expect.stringContaining("killed") as string });
    const again = await ensureDockerAccess(stack.context);
    expect(await ask(again, "SELECT n AS value FROM kept.kept")).toBe(1);

    daemon.run("pause", CONTAINERS.postgres);
    await ensureDockerAccess(stack.context);

    const lines: string[] = [];
    for await (const line of dockerLogs(stack.context, { of: "postgres", follow: false, lines: 5 })) lines.push(line);
    expect(lines.join("\n")).toContain("database system is ready to accept connections");
    await expect(dockerLogs(stack.context, { of: "nothing", follow: false, lines: 5 }).next()).rejects.toMatchObject({ code: "LOG_UNKNOWN" });
  });

  test("whose admin secret is lost or wrong gets it back, and nothing of it is in the server's log or the container's data", async () => {
    stack = await createTestStack(daemon);
    await stack.make();
    const first = await ensureDockerAccess(stack.context);
    const { adminSecret } = dockerPaths(stack.context);
    rmSync(adminSecret);
    await expect(openDockerAccess(stack.context)).rejects.toMatchObject({ code: "ADMIN_SECRET_LOST" });
    const second = await ensureDockerAccess(stack.context);
    expect(second.admin.password).not.toBe(first.admin.password);

    writeFileSync(adminSecret, JSON.stringify({ ...second.admin, password: "guessable" }), { mode: 0o600 });
    await expect(openDockerAccess(stack.context)).rejects.toMatchObject({ code: "ADMIN_SECRET_LOST" });
    const third = await ensureDockerAccess(stack.context);
    expect(third.admin.password).not.toBe("guessable");

    // Somebody changes the password in the server: the file's is put back.
    await ask(third, "ALTER ROLE bulkhead_admin PASSWORD 'other'");
    expect((await ensureDockerAccess(stack.context)).admin.password).toBe(third.admin.password);
    const known = daemon.run("inspect", CONTAINERS.postgres) + daemon.run("logs", CONTAINERS.postgres) + daemon.run("top", CONTAINERS.postgres);
    for (const { admin } of [first, second, third]) expect(known).not.toContain(admin.password);
    expect(known).not.toContain("SCRAM-SHA-256$");
  });

  test("whose set-up was interrupted halfway goes on", async () => {
    stack = await createTestStack(daemon);
    await stack.make();
    await ensureDockerAccess(stack.context);
    rmSync(dockerPaths(stack.context).adminSecret);
    const psql = (sql: string, database = "postgres"): string => daemon.run("exec", "-u", "postgres", CONTAINERS.postgres, "psql", "-d", database, "-c", sql);
    psql("DROP EXTENSION pg_stat_statements; DROP SCHEMA extensions", "bulkhead_template");
    const access = await ensureDockerAccess(stack.context);
    await ask(access, "CREATE DATABASE copy TEMPLATE bulkhead_template");
    expect(await ask(access, "SELECT count(*)::int AS value FROM pg_extension WHERE extname = 'pg_stat_statements'", "copy")).toBe(1);
  });

  test("of somebody else's making is refused until it is adopted", async () => {
    daemon.run("volume", "create", "compose_data");
    stack = await createTestStack(daemon, { postgres: { volume: "compose_data", superuser: "owner" } });
    // As the official image starts by Compose.
    daemon.run("run", "--detach", "--name", "compose-postgres", "--volume", "compose_data:/var/lib/postgresql/data", "--env", "POSTGRES_PASSWORD=secret", "--env", "POSTGRES_USER=owner", "--env", "POSTGRES_DB=auth_db", "postgres:17");
    await expect(requireNoObstacles(stack.context)).rejects.toMatchObject({ code: "VOLUME_IN_USE", hint: "docker stop compose-postgres" });
    await untilReady(daemon, "compose-postgres", "owner");
    daemon.run("stop", "compose-postgres");
    await requireNoObstacles(stack.context);
    await stack.make();
    await expect(ensureDockerAccess(stack.context)).rejects.toMatchObject({ code: "ADOPTION_NEEDED", message: expect.stringContaining("auth_db") as string });
    expect(existsSync(dockerPaths(stack.context).adminSecret)).toBe(false);

    // What the adoption leaves: an admin, and the template; its password is made by the first start.
    daemon.run("exec", "-u", "postgres", CONTAINERS.postgres, "psql", "-U", "owner", "-d", "postgres", "-c", "CREATE ROLE bulkhead_admin");
    expect((await ensureDockerAccess(stack.context)).admin.username).toBe("bulkhead_admin");

    await removeStack(stack.context, "compose_data");
    expect(stack.told.join("\n")).toContain("docker volume rm compose_data");
    expect(daemon.run("volume", "ls", "--quiet")).toContain("compose_data");
  });

  test("of which another superuser made the data names the setting for it", async () => {
    daemon.run("volume", "create", "compose_data");
    daemon.run("run", "--detach", "--name", "compose-postgres", "--volume", "compose_data:/var/lib/postgresql/data", "--env", "POSTGRES_PASSWORD=secret", "--env", "POSTGRES_USER=owner", "postgres:17");
    await untilReady(daemon, "compose-postgres", "owner");
    daemon.run("stop", "compose-postgres");
    stack = await createTestStack(daemon, { postgres: { volume: "compose_data" } });
    await stack.make();
    await expect(ensureDockerAccess(stack.context)).rejects.toMatchObject({ code: "SUPERUSER_UNKNOWN", hint: expect.stringContaining("postgres.superuser") as string });
  });

  test("with a volume of another major version is stopped before anything is replaced, with the way to upgrade", async () => {
    stack = await createTestStack(daemon);
    daemon.run("volume", "create", volumeName("dev", "postgres"));
    daemon.run("run", "--rm", "--volume", `${volumeName("dev", "postgres")}:/volume`, "--entrypoint", "/bin/sh", "postgres:17", "-c", "echo 15 > /volume/PG_VERSION");
    const before = daemon.run("ps", "--all", "--quiet");
    const failure = requireNoObstacles(stack.context);
    await expect(failure).rejects.toMatchObject({ code: "VOLUME_VERSION", message: expect.stringMatching(/PostgreSQL 15.*PostgreSQL 17/) as string });
    await expect(failure).rejects.toMatchObject({ hint: expect.stringMatching(/images\.postgres.*postgres:15[^]*pg_dumpall[^]*postgres\.volume/) as string });
    expect(daemon.run("ps", "--all", "--quiet")).toBe(before);
    expect(daemon.run("run", "--rm", "--volume", `${volumeName("dev", "postgres")}:/volume`, "--entrypoint", "/bin/cat", "postgres:17", "/volume/PG_VERSION")).toBe("15");
  });

  test("beside things of its names that are not its own touches none of them, and says whose they are", async () => {
    const port = await freePort();
    daemon.run("network", "create", "--label", "com.docker.compose.project=shop", NETWORK);
    daemon.run("create", "--name", CONTAINERS.postgres, "--label", "com.docker.compose.project=shop", "postgres:17");
    daemon.run("run", "--detach", "--name", "web", "--publish", `127.0.0.1:${port}:80`, "--entrypoint", "/bin/sleep", "postgres:17", "600");
    stack = await createTestStack(daemon, { postgres: { port } });
    const { message } = await requireNoObstacles(stack.context).then(() => { throw new Error("nothing in the way"); }, (error: Error) => error);
    expect(message).toContain(`container ${CONTAINERS.postgres} belongs to the Compose project shop`);
    expect(message).toContain(`network ${NETWORK} belongs to the Compose project shop`);
    expect(message).toContain(`port ${port}, for ${CONTAINERS.postgres}, is taken by container web`);
    await expect(ensureDockerAccess(stack.context)).rejects.toMatchObject({ code: "CONTAINER_FOREIGN" });
    expect(await previewDockerAccess(stack.context)).toBeNull();
    expect(await stopStack(stack.context)).toBe(false);
    await removeStack(stack.context, null);
    expect(daemon.run("ps", "--all", "--format", "{{.Names}}").split("\n").sort()).toEqual([CONTAINERS.postgres, "web"]);
    expect(daemon.run("network", "ls", "--format", "{{.Name}}")).toContain(NETWORK);
  });

  test("of the same name in another checkout is another stack", async () => {
    const other = await createTestStack(daemon);
    await other.make();
    stack = await createTestStack(daemon);
    expect(await stopStack(stack.context)).toBe(false);
    await removeStack(stack.context, null);
    await expect(requireNoObstacles(stack.context)).rejects.toThrow("stack dev of another checkout");
    expect(daemon.run("volume", "ls", "--quiet")).toContain(volumeName("dev", "postgres"));
    other.remove();
  });

  test("that is removed leaves nothing of its own, and a network that others are in", async () => {
    stack = await createTestStack(daemon);
    await stack.make();
    await ensureDockerAccess(stack.context);
    daemon.run("run", "--detach", "--name", "guest", "--network", NETWORK, "--entrypoint", "/bin/sleep", "postgres:17", "600");
    await removeStack(stack.context, null);
    expect(daemon.run("ps", "--all", "--format", "{{.Names}}")).toBe("guest");
    expect(daemon.run("volume", "ls", "--quiet")).not.toContain(volumeName("dev", "postgres"));
    expect(existsSync(dockerPaths(stack.context).directory)).toBe(false);
    expect(stack.told.join("\n")).toContain(`network ${NETWORK} is kept: guest is in it`);
    daemon.run("rm", "--force", "guest");
    await removeStack(stack.context, null);
    expect(daemon.run("network", "ls", "--format", "{{.Name}}").split("\n")).not.toContain(NETWORK);
  });

  test("with Redis and ClickHouse waits for both, sets them up, and starts a Redis anew that knows another admin", async () => {
    stack = await createTestStack(daemon, { services: { auth: { port: 3001, redis: true, clickhouse: true } } });
    await stack.make();
    const access = await ensureDockerAccess(stack.context);
    expect(access.stores.map(({ kind, services, absence }) => ({ kind, services, absence }))).toEqual([
      { kind: "redis", services: ["auth"], absence: null },
      { kind: "clickhouse", services: ["auth"], absence: null },
    ]);
    const token = randomUUID();
    for (const store of access.stores) {
      await store.setUp(token, new AbortController().signal);
      expect(await store.observe()).toEqual({ token, findings: [] });
      const evidence = await store.validate();
      expect(evidence.length).toBeGreaterThan(0);
      expect(evidence.filter(({ status }) => status === "failed")).toEqual([]);
    }

    // The admin's secret is lost: the next run makes another, which the running server does not know.
    rmSync(dockerPaths(stack.context).redisAdminSecret);
    await stack.writeFiles();
    const again = await ensureDockerAccess(stack.context);
    expect(stack.told.join("\n")).toContain("starting shared-redis anew");
    expect((await again.stores[0]!.observe()).findings.join()).not.toMatch(/refused|admin/i);

    daemon.run("stop", "-t", "5", CONTAINERS.redis);
    const without = await openDockerAccess(stack.context);
    expect(without.stores[0]!.absence).toEqual({ reason: expect.stringContaining("shared-redis does not run: it was stopped") as string, fix: "npx bulkhead up" });
    expect(without.stores[1]!.absence).toBeNull();
  });

  test("whose server cannot start says why, with the server's own words", async () => {
    stack = await createTestStack(daemon);
    await stack.make();
    const file = `${dockerPaths(stack.context).config.postgres}/postgresql.conf`;
    writeFileSync(file, `${readFileSync(file, "utf8")}\nshared_buffers = 'nonsense'\n`);
    await expect(ensureDockerAccess(stack.context)).rejects.toMatchObject({ code: "CONTAINER_ENDED", message: expect.stringContaining("nonsense") as string, hint: expect.stringContaining("docker logs") as string });
  });

  test("can be cancelled while it is waited for", async () => {
    const controller = new AbortController();
    stack = await createTestStack(daemon, { signal: controller.signal });
    await stack.make();
    const waiting = ensureDockerAccess(stack.context);
    controller.abort(new Error("Ctrl-C"));
    await expect(waiting).rejects.toThrow("Ctrl-C");
  });
});

/** Until the server of a container that Bulkhead has nothing to do with takes sessions. */
async function untilReady(daemon: DockerDaemon, container: string, user: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    try {
      daemon.run("exec", container, "psql", "-h", "127.0.0.1", "-U", user, "-d", "postgres", "-c", "SELECT 1");
      return;
    } catch (error) {
      // It asks for a password: it is there.
      if (/password/.test((error as Error).message)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`${container} is not ready: ${daemon.run("logs", container)}`);
}
