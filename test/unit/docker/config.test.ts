import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { parseDockerConfig, serversOf } from "../../../components/docker/config";
import type { DockerConfig } from "../../../components/docker/config";
import { withRegistry } from "../../../components/docker/settings";
import { parseStackConfig } from "../../../components/stack-config";
import { shippedCatalog } from "../../support/gcp-stack";

const DIGEST = `sha256:${"a".repeat(64)}`;
const catalog = defineServices({
  auth: { port: 5500, redis: true },
  backend: { port: 8000, image: "registry.example.com/backend:1.4.2", clickhouse: true, calls: ["auth"] },
  // A repository only: each stack says which image of it runs.
  accounts: { port: 8001, image: "registry.example.com/accounts" },
});

function parse(settings: Readonly<Record<string, unknown>> = {}, services = catalog): DockerConfig {
  return parseDockerConfig(parseStackConfig("dev", { "bulkhead:target": "docker", ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`bulkhead:${name}`, value])) }), services);
}

function problemsOf(settings: Readonly<Record<string, unknown>>): string {
  try {
    parse(settings);
  } catch (error) {
    expect(error).toBeInstanceOf(BulkheadError);
    expect((error as BulkheadError).code).toBe("CONFIG_INVALID");
    return (error as BulkheadError).message;
  }
  throw new Error("it was taken");
}

test("nothing has to be set, with the shipped catalog as well", () => {
  for (const services of [catalog, shippedCatalog()]) {
    const config = parse({}, services);
    expect(config).toMatchObject({
      bindAddress: "127.0.0.1",
      maxConnections: 500,
      pull: "missing",
      images: { postgres: "postgres:17", redis: "redis:7", clickhouse: "clickhouse/clickhouse-server:25.8" },
      postgres: { port: 5432, volume: null, superuser: "postgres", memoryMb: 2048, cpus: 2 },
      redis: { port: 6379 },
      clickhouse: { port: 8443 },
    });
  }
});

test("every problem is told at once, each with the line that mends it", () => {
  const text = problemsOf({
    bindAddress: "everywhere",
    maxConnections: 5,
    images: { postgres: "postgres:17:18", pull: "always", mirror: "x" },
    postgres: { port: 0, volume: "a/b", superuser: "post gres", cpus: 0 },
    redis: { memoryMb: "lots" },
    sql: {},
    services: { billing: {}, auth: { memoryMb: 128 } },
  });
  for (const line of [
    "bindAddress is \"everywhere\", no 127.0.0.1 or 0.0.0.0: pulumi config set bindAddress 127.0.0.1 --stack dev",
    "maxConnections is 5, no whole number from 50 to 5000: pulumi config set maxConnections 500 --stack dev",
    "images.postgres is \"postgres:17:18\", no container image: pulumi config set --path 'bulkhead:images.postgres'",
    "images.pull is \"always\", no missing or never: pulumi config set --path 'bulkhead:images.pull' missing --stack dev",
    "images.mirror is no setting",
    "postgres.port is 0, no whole number from 1 to 65535: pulumi config set --path 'bulkhead:postgres.port' 5432 --stack dev",
    "postgres.volume is \"a/b\", no name of a volume",
    "postgres.superuser is \"post gres\", no name of a role",
    "postgres.cpus is 0, no number from 0.01 to 512",
    "redis.memoryMb is \"lots\", no whole number",
    "sql is no setting of a docker stack",
    "services.billing is no service of services.ts; it has auth, backend, accounts",
    "services.auth.image is not set",
  ]) {
    expect(text).toContain(line);
  }
  expect(text).toContain("13 problems");
});

test("two containers never get one port of the host, and the server's port gives way", () => {
  expect(problemsOf({ redis: { port: 5432 } })).toContain("redis.port is 5432, which is the port of postgres: pulumi config set --path 'bulkhead:redis.port' 15432 --stack dev");
  expect(problemsOf({ postgres: { port: 8000 } })).toContain("postgres.port is 8000, which is the port of service backend");
  // Of a service that does not run in a container, nothing is published.
  expect(parse({ postgres: { port: 5500 } }).postgres.port).toBe(5500);
});

test("the registry stands in place of Docker Hub, and of no other", () => {
  expect(withRegistry("postgres:17", "mirror.example.com/docker")).toBe("mirror.example.com/docker/library/postgres:17");
  expect(withRegistry("clickhouse/clickhouse-server:25.8", "localhost:5000")).toBe("localhost:5000/clickhouse/clickhouse-server:25.8");
  expect(withRegistry(`postgres:17@${DIGEST}`, "mirror.example.com")).toBe(`mirror.example.com/library/postgres:17@${DIGEST}`);
  expect(withRegistry("ghcr.io/team/postgres:17", "mirror.example.com")).toBe("ghcr.io/team/postgres:17");
  expect(withRegistry("localhost:5000/postgres:17", "mirror.example.com")).toBe("localhost:5000/postgres:17");
  expect(withRegistry("postgres:17", undefined)).toBe("postgres:17");
  const { images } = parse({ images: { registry: "mirror.example.com", redis: "own.example.com/redis:7" } });
  expect(images).toEqual({ postgres: "mirror.example.com/library/postgres:17", redis: "own.example.com/redis:7", clickhouse: "mirror.example.com/clickhouse/clickhouse-server:25.8" });
  expect(problemsOf({ images: { registry: "mirror" } })).toContain("images.registry");
});

test("a service runs with the stack's image, or with the catalog's if that is one", () => {
  expect(Object.keys(parse().services)).toEqual(["backend"]);
  const { services } = parse({ services: { auth: { image: "auth:dev", cpus: 0.5 }, backend: { image: "backend:dev", healthCheck: false } } });
  expect(services).toEqual({
    auth: { image: "auth:dev", healthCheck: true, memoryMb: 512, cpus: 0.5 },
    backend: { image: "backend:dev", healthCheck: false, memoryMb: 512, cpus: 1 },
  });
  expect(parse({ services: { backend: false } }).services).toEqual({});
  expect(problemsOf({ services: { accounts: { cpus: 1 } } })).toContain("services.accounts.image is not set, and services.ts names no image with a tag or a digest");
});

test("settings come as JSON text from the engine, and as text from the command line", () => {
  const config = parse({ postgres: '{"port":"15432","cpus":"1.5","volume":"old_data"}', maxConnections: "200", services: '{"auth":{"image":"auth:dev"},"backend":"false"}' });
  expect(config.postgres).toMatchObject({ port: 15432, cpus: 1.5, volume: "old_data" });
  expect(config.maxConnections).toBe(200);
  expect(Object.keys(config.services)).toEqual(["auth"]);
});

test("a store's server is there where a service asks for it", () => {
  expect(serversOf(catalog)).toEqual(["postgres", "redis", "clickhouse"]);
  expect(serversOf(defineServices({ auth: { port: 1 } }))).toEqual(["postgres"]);
  expect(serversOf(defineServices({ auth: { port: 1, clickhouse: true } }))).toEqual(["postgres", "clickhouse"]);
});
