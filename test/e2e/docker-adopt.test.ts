import { readFileSync } from "node:fs";
import { join } from "node:path";

import { obtainDocker } from "../support/docker/daemon";
import type { DockerDaemon } from "../support/docker/daemon";
import { DockerCheckout } from "../support/docker/docker-checkout";
import { lackOfImages, provideImages } from "../support/docker/images";
import { until } from "../support/pool";

const docker = obtainDocker();
const missing = "missing" in docker ? docker.missing : lackOfImages("postgres:17");
const whereDocker = missing === undefined ? describe : describe.skip;
if (missing !== undefined) test.skip(`adoption in Docker: ${missing}`, () => {});

const VOLUME = "old_postgres_data";
const SERVICES = `
  auth: { port: 5500 },
  l2p: { port: 3001 },
  payment: { port: 3004 },
  videovault: { port: 5100 },`;

interface AdoptJson {
  readonly ok: boolean;
  readonly services: readonly { readonly service: string; readonly state: string }[];
  readonly steps: readonly { readonly what: string }[];
}

whereDocker("a volume that Compose made, with a superuser of its own name", () => {
  let daemon: DockerDaemon;
  let stack: DockerCheckout;

  beforeAll(async () => {
    daemon = await (docker as Extract<typeof docker, { start: unknown }>).start();
    await provideImages(daemon, "postgres:17");
    stack = await DockerCheckout.create({ daemon, services: SERVICES });
    await makeOldStack();
  }, 600_000);

  afterAll(async () => {
    await stack?.remove();
    await daemon?.stop();
  }, 120_000);

  const psql = (database: string, sql: string, user = "compose"): string => daemon.run("exec", "old-postgres", "psql", "-h", "/var/run/postgresql", "-v", "ON_ERROR_STOP=1", "-qAt", "-U", user, "-d", database, "-c", sql);

  async function makeOldStack(): Promise<void> {
    daemon.run("volume", "create", "--label", "com.docker.compose.project=old", VOLUME);
    daemon.run("run", "-d", "--name", "old-postgres", "--label", "com.docker.compose.project=old", "--network", "none", "--env", "POSTGRES_PASSWORD=changeme", "--env", "POSTGRES_USER=compose", "--env", "POSTGRES_DB=shared", "--volume", `${VOLUME}:/var/lib/postgresql/data`, "postgres:17");
    await until(() => {
      try {
        return psql("shared", "SELECT 1") === "1";
      } catch {
        return false;
      }
    }, "the old stack's Postgres takes connections", 60_000);
    for (const service of ["auth", "l2p", "payment", "videovault"]) {
      psql("shared", `CREATE ROLE ${service}_user LOGIN PASSWORD 'changeme'`);
      psql("shared", `CREATE DATABASE ${service}_db OWNER ${service}_user`);
      // auth's objects belong to the superuser, the others' to their logins.
      psql(`${service}_db`, readFileSync(join(__dirname, "../../schemas", service, "001_initial_schema.sql"), "utf8"), service === "auth" ? "compose" : `${service}_user`);
    }
    psql("auth_db", "INSERT INTO users (email, username) SELECT 'user' || n || '@example.com', 'user' || n FROM generate_series(1, 1000000) n");
  }

  const adopt = (...args: string[]): readonly string[] => ["adopt", "--volume", VOLUME, "--superuser", "compose", ...args];

  test("is not touched while a server runs on it, nor when there is no such volume", async () => {
    const inUse = await stack.bulkhead(adopt("--yes"));
    expect(inUse.exitCode).toBe(1);
    expect(inUse.stderr).toContain("in use by container old-postgres");
    expect(inUse.stderr).toContain("docker compose stop");
    const absent = await stack.bulkhead(["adopt", "--volume", "no_such_volume", "--dry-run"]);
    expect(absent.stderr).toContain("there is no volume no_such_volume; there is: ");
    expect(absent.stderr).toContain(VOLUME);
  });

  test("is adopted with all its rows, and the stack comes up on it and is watertight", async () => {
    const checksum = (): string => psql("auth_db", "SELECT count(*), sum(hashtextextended(t::text, 0)), (SELECT relfilenode FROM pg_class WHERE relname = 'users') FROM users t");
    const before = checksum();
    daemon.run("stop", "old-postgres");

    const plan = await stack.json<AdoptJson>(adopt("--dry-run"));
    expect(plan.services.map(({ state }) => state)).toEqual(["to adopt", "to adopt", "to adopt", "to adopt"]);
    expect((await stack.bulkhead(adopt())).stderr).toContain("CONFIRMATION_NEEDED");

    // A run that is killed leaves its container, which the next one removes.
    daemon.run("run", "-d", "--name", "bulkhead-dev-adopt", "--network", "none", ...labels(), "--volume", `${VOLUME}:/var/lib/postgresql/data`, "postgres:17");
    const report = await stack.json<AdoptJson>(adopt("--yes"));
    expect(report.ok).toBe(true);
    expect(daemon.run("ps", "--all", "--format", "{{.Names}}")).toBe("old-postgres");
    const again = await stack.bulkhead(adopt("--yes"));
    expect(again.stdout).toContain("There was nothing to do");

    daemon.run("start", "old-postgres");
    await until(() => {
      try {
        return checksum() === before;
      } catch {
        return false;
      }
    }, "the rows are there, in the same file", 60_000);
    daemon.run("stop", "old-postgres");

    stack.configure({ "bulkhead:postgres": { ...stack.setting<object>("bulkhead:postgres"), volume: VOLUME, superuser: "compose" } });
    await stack.up();
    const validation = await stack.validate();
    expect(validation.checks.filter(({ status }) => status === "failed")).toEqual([]);
    expect(validation.ok).toBe(true);
    const { username } = stack.file<{ username: string }>("secrets/auth/app.json");
    expect(username).toBe("auth_user");
  }, 600_000);

  /** As the product labels what it makes for this stack of this checkout. */
  function labels(): string[] {
    const { labelsOf } = jest.requireActual<typeof import("../../components/docker/names")>("../../components/docker/names");
    return Object.entries(labelsOf({ stack: "dev", root: stack.checkout.root })).flatMap(([label, value]) => ["--label", `${label}=${value}`]);
  }
});
