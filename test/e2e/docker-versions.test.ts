import { describeWhere } from "../support/describe-where";
import { obtainDocker } from "../support/docker/daemon";
import type { DockerDaemon } from "../support/docker/daemon";
import { DockerCheckout } from "../support/docker/docker-checkout";
import type { Report } from "../support/docker/docker-checkout";
import { lackOfImages, provideImages } from "../support/docker/images";

// A docker stack on other versions of its servers than the default ones. The images share users, folders, programs and variables with the official ones, whose own system this does not prove.

/** Without ClickHouse, which has no other version here. */
const SERVICES = `
  auth: { port: 5500, redis: true },
  backend: { port: 5600, redis: true },`;
const docker = obtainDocker();

describe.each([
  ["postgres:15", "redis:8", "redis-server"],
  ["postgres:18", "valkey/valkey:8", "valkey-server"],
] as const)("a docker stack on %s and %s", (postgres, redis, redisProgram) => {
  describeWhere("missing" in docker ? docker.missing : lackOfImages(postgres, redis), "as on the default images", () => {
    let daemon: DockerDaemon;
    let stack: DockerCheckout;

    beforeAll(async () => {
      daemon = await (docker as Exclude<typeof docker, { missing: string }>).start();
      await provideImages(daemon, postgres, redis);
      stack = await DockerCheckout.create({ daemon, services: SERVICES, settings: { "bulkhead:images": { pull: "never", postgres, redis } } });
    });

    afterAll(async () => {
      try {
        await stack?.remove();
      } finally {
        await daemon?.stop();
      }
    });

    test("is made, proven from the inside, stopped and started again without a change", async () => {
      const first = await stack.up();
      expect(first.services.map(({ name, ready }) => [name, ready])).toEqual([["auth", true], ["backend", true]]);
      expect(daemon.run("exec", "shared-postgres", "postgres", "--version")).toContain(`(PostgreSQL) ${postgres.split(":")[1]}.`);
      expect(daemon.run("exec", "shared-redis", redisProgram, "--version")).toContain(` v=${redis.split(":")[1]}.`);

      const { ok, checks } = await stack.json<Report>(["validate"]);
      expect({ ok, failed: checks.filter(({ status }) => status === "failed") }).toEqual({ ok: true, failed: [] });
      // The first is for services without a database. Before 16, SET ROLE is open to every member.
      const skipped = new Set(checks.filter(({ status }) => status === "skipped").map(({ id }) => id));
      expect([...skipped].sort()).toEqual(["no-compartment", ...(postgres === "postgres:15" ? ["no-set-role"] : [])]);

      expect((await stack.bulkhead(["down"])).exitCode).toBe(0);
      expect(daemon.run("ps", "--quiet")).toBe("");
      expect(Object.keys((await stack.up()).changes)).toEqual(["same"]);
    });
  });
});
