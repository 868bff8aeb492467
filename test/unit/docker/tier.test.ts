import { DockerTier } from "../../../components/docker/tier";
import { parseDockerConfig } from "../../../components/docker/config";
import type { LocalImages } from "../../../components/docker/images";
import { serverSpecs } from "../../../components/docker/servers";
import { DockerServices } from "../../../components/docker/services/docker-services";
import { parseStackConfig } from "../../../components/stack-config";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { checkInputs } from "../../support/simulated-cloud/provider/check";
import { CONTAINER, dockerFacts, IMAGE, NETWORK, VOLUME } from "../../support/simulated-cloud/provider/docker/docker-facts";
import type { Values } from "../../support/simulated-cloud/provider/property-values";
import { packageSchema } from "../../support/simulated-cloud/provider/schema/schema-cache";
import { recordResources } from "../../support/pulumi-mocks";
import type { RecordedResource } from "../../support/pulumi-mocks";

const schema = packageSchema("@pulumi/docker", Object.keys(dockerFacts));

const catalog = defineServices({
  auth: { port: 5500, image: "auth:1", redis: true, clickhouse: true },
  backend: { port: 8000, image: "backend:1", calls: ["auth", "reports"], healthPath: "/live" },
  reports: { port: 8100 },
  frontend: { port: 3000, database: null, image: "frontend:1", calls: ["backend"] },
});

interface Declared {
  readonly services?: typeof catalog;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly localImages?: LocalImages;
  readonly certificate?: string;
  readonly root?: string;
}

function declare({ services = catalog, settings = {}, localImages = new Map(), certificate = "PEM", root = "/work/checkout" }: Declared = {}): Promise<RecordedResource[]> {
  return recordResources(() => {
    const config = parseDockerConfig(parseStackConfig("dev", { "bulkhead:target": "docker", ...settings }), services);
    const tier = new DockerTier("tier", { stack: "dev", root, config, host: "unix:///run/docker.sock", servers: serverSpecs(config, services), localImages, certificate });
    new DockerServices("services", { stack: "dev", root, config, catalog: services, tier, localImages, after: () => [tier] });
  }, (type, _, inputs) => (type === IMAGE ? { imageId: `sha256:id-of-${String(inputs["name"])}` } : {}));
}

const ofType = (resources: readonly RecordedResource[], type: string): RecordedResource[] => resources.filter((resource) => resource.type === type);

function container(resources: readonly RecordedResource[], name: string): Record<string, unknown> {
  const found = ofType(resources, CONTAINER).find(({ inputs }) => inputs["name"] === name);
  if (found === undefined) throw new Error(`there is no container ${name}`);
  return found.inputs;
}

const labelsOf = (inputs: Record<string, unknown>): Record<string, string> => Object.fromEntries((inputs["labels"] as { label: string; value: string }[]).map(({ label, value }) => [label, value]));
const mountsOf = (inputs: Record<string, unknown>): { hostPath?: string; volumeName?: string; containerPath: string; readOnly: boolean }[] => inputs["volumes"] as never;

describe("what a docker stack declares", () => {
  let resources: RecordedResource[];
  beforeAll(async () => {
    resources = await declare();
  }, 60_000);

  it("is what the provider's declarations know, with no value that is none", () => {
    for (const { type, name, inputs } of resources.filter((resource) => Object.hasOwn(dockerFacts, resource.type))) {
      expect({ name, problems: checkInputs(inputs as Values, schema[type]!, dockerFacts[type]!) }).toEqual({ name, problems: [] });
    }
  });

  it("is a network, and of each server an image, a volume and a container", () => {
    expect(ofType(resources, NETWORK).map(({ inputs }) => inputs["name"])).toEqual(["bulkhead"]);
    expect(ofType(resources, VOLUME).map(({ inputs }) => inputs["name"]).sort()).toEqual(["bulkhead-dev-clickhouse", "bulkhead-dev-postgres", "bulkhead-dev-redis"]);
    expect(ofType(resources, CONTAINER).map(({ inputs }) => inputs["name"]).sort()).toEqual(["bulkhead-dev-auth", "bulkhead-dev-backend", "bulkhead-dev-frontend", "shared-clickhouse", "shared-postgres", "shared-redis"]);
    expect(ofType(resources, IMAGE).map(({ inputs }) => inputs["name"]).sort()).toEqual(["auth:1", "backend:1", "clickhouse/clickhouse-server:25.8", "frontend:1", "postgres:17", "redis:7"]);
    expect(ofType(resources, IMAGE).every(({ inputs }) => inputs["keepLocally"] === true)).toBe(true);
  });

  it("speaks to one engine only, named outright", () => {
    expect(resources.filter(({ type }) => type === "pulumi:providers:docker").map(({ inputs }) => inputs["host"])).toEqual(["unix:///run/docker.sock"]);
  });

  it("labels everything as this stack's of this checkout, and gives the path of the checkout away to nobody", () => {
    // Volumes do not carry the checkout: one that was moved finds its data by name, and a changed label would be a replacement.
    for (const { inputs } of ofType(resources, VOLUME)) expect(labelsOf(inputs)).toEqual({ "bulkhead.stack": "dev" });
    for (const { inputs } of [NETWORK, CONTAINER].flatMap((type) => ofType(resources, type))) {
      expect(labelsOf(inputs)).toMatchObject({ "bulkhead.stack": "dev", "bulkhead.checkout": expect.stringMatching(/^[0-9a-f]{16}$/) as string });
    }
  });

  it("names images by their ids, bounds memory with swap, and gives durations as the engine gives them back", () => {
    for (const { inputs } of ofType(resources, CONTAINER)) {
      expect(inputs["image"]).toMatch(/^sha256:/);
      expect(inputs["memory"]).toBeGreaterThan(0);
      expect(inputs["memorySwap"]).toBe(inputs["memory"]);
      expect(inputs).toMatchObject({ restart: "unless-stopped", mustRun: false, logDriver: "json-file", logOpts: { "max-size": "10m", "max-file": "3" }, securityOpts: ["no-new-privileges:true"] });
      const { interval, timeout, startPeriod } = inputs["healthcheck"] as Record<string, string>;
      // Go's way: 60s comes back as 1m0s.
      for (const duration of [interval, timeout, startPeriod]) expect(duration).toMatch(/^(?:[1-9]|[1-5]\d)s$|^\d+m(?:\d|[1-5]\d)s$/);
    }
  });

  it("publishes ports on loopback only, and connects nothing but the network", () => {
    for (const { inputs } of ofType(resources, CONTAINER)) {
      expect((inputs["ports"] as { ip: string }[]).map(({ ip }) => ip)).toEqual(["127.0.0.1"]);
      expect(inputs["networksAdvanced"]).toHaveLength(1);
    }
    expect(container(resources, "shared-postgres")["ports"]).toEqual([{ internal: 5432, external: 5432, ip: "127.0.0.1", protocol: "tcp" }]);
    expect((container(resources, "shared-redis")["networksAdvanced"] as { aliases: string[] }[])[0]!.aliases).toEqual(["shared-redis"]);
    expect((container(resources, "bulkhead-dev-auth")["networksAdvanced"] as { aliases: string[] }[])[0]!.aliases).toEqual(["auth"]);
  });

  it("starts Postgres by Bulkhead's own script, lets it end cleanly, and gives parallel queries their memory", () => {
    expect(container(resources, "shared-postgres")).toMatchObject({
      entrypoints: ["/bin/sh", "/etc/bulkhead/start.sh"],
      command: ["/etc/bulkhead-tls", "/run/bulkhead", "/var/lib/postgresql/data", "/var/run/postgresql", "postgres"],
      stopSignal: "SIGINT",
      stopTimeout: 60,
      destroyGraceSeconds: 60,
      shmSize: 256,
      tmpfs: { "/run/bulkhead": "size=1m,mode=0700" },
    });
  });

  it("mounts what is read as read-only, and only data as writable", () => {
    for (const { inputs } of ofType(resources, CONTAINER)) {
      for (const { hostPath, readOnly } of mountsOf(inputs) ?? []) expect(readOnly).toBe(hostPath !== undefined);
    }
  });

  it("puts no secret's value into any resource", () => {
    const text = JSON.stringify(resources);
    expect(text).not.toMatch(/password"?\s*[=:]/i);
    expect(ofType(resources, CONTAINER).filter(({ inputs }) => String(inputs["name"]).startsWith("shared-") && inputs["envs"] !== undefined)).toEqual([]);
  });

  it("runs a service without privileges, with its own folder of secrets and no other", () => {
    const auth = container(resources, "bulkhead-dev-auth");
    expect(mountsOf(auth)).toEqual([{ hostPath: "/work/checkout/.bulkhead/dev/docker/services/auth", containerPath: "/run/bulkhead", readOnly: true }]);
    expect(auth).toMatchObject({ readOnly: true, capabilities: { drops: ["ALL"] }, tmpfs: { "/tmp": "size=64m,mode=1777" } });
    expect(auth).not.toHaveProperty("user");
    expect(auth["envs"]).toEqual(["PORT=5500", "HOST=0.0.0.0", "DB_SECRET_FILE=/run/bulkhead/database.json", "REDIS_SECRET_FILE=/run/bulkhead/redis.json", "CLICKHOUSE_SECRET_FILE=/run/bulkhead/clickhouse.json"]);
  });

  it("tells a service where those are that it calls and that run here", () => {
    expect(container(resources, "bulkhead-dev-backend")["envs"]).toEqual(["PORT=8000", "HOST=0.0.0.0", "DB_SECRET_FILE=/run/bulkhead/database.json", "AUTH_URL=http://auth:5500"]);
  });

  it("gives a service without a database neither a secret nor a mount", () => {
    const frontend = container(resources, "bulkhead-dev-frontend");
    expect(frontend).not.toHaveProperty("volumes");
    expect(frontend["envs"]).toEqual(["PORT=3000", "HOST=0.0.0.0", "BACKEND_URL=http://backend:8000"]);
  });
});

describe("a docker stack's variants", () => {
  it("has no store that nobody asks for", async () => {
    const resources = await declare({ services: defineServices({ auth: { port: 5500 } }) });
    expect(ofType(resources, CONTAINER).map(({ inputs }) => inputs["name"])).toEqual(["shared-postgres"]);
    expect(ofType(resources, VOLUME)).toHaveLength(1);
  }, 60_000);

  it("takes images that are here by their ids, and asks no registry", async () => {
    const localImages = new Map(["postgres:17", "redis:7", "clickhouse/clickhouse-server:25.8", "auth:1", "backend:1", "frontend:1"].map((name) => [name, `sha256:local-${name}`]));
    const resources = await declare({ settings: { "bulkhead:images": { pull: "never" } }, localImages });
    expect(ofType(resources, IMAGE)).toEqual([]);
    expect(container(resources, "shared-postgres")["image"]).toBe("sha256:local-postgres:17");
  }, 60_000);

  it("takes over a volume that is there, and declares none", async () => {
    const resources = await declare({ settings: { "bulkhead:postgres": { volume: "team_pgdata", superuser: "admin", port: 15432 } } });
    expect(ofType(resources, VOLUME).map(({ inputs }) => inputs["name"])).not.toContain("bulkhead-dev-postgres");
    const postgres = container(resources, "shared-postgres");
    expect(mountsOf(postgres)[0]).toEqual({ volumeName: "team_pgdata", containerPath: "/var/lib/postgresql/data", readOnly: false });
    expect((postgres["command"] as string[]).at(-1)).toBe("admin");
    expect(postgres["ports"]).toEqual([{ internal: 5432, external: 15432, ip: "127.0.0.1", protocol: "tcp" }]);
  }, 60_000);

  it("makes a container anew for another configuration, certificate or CPU limit, and for nothing of another server's", async () => {
    const hashes = async (declared: Declared): Promise<Record<string, string>> => {
      const resources = await declare(declared);
      return Object.fromEntries(["shared-postgres", "shared-redis"].map((name) => [name, labelsOf(container(resources, name))["bulkhead.config"]!]));
    };
    const before = await hashes({});
    expect(await hashes({})).toEqual(before);
    // Neither another service nor another place of the checkout is in what the servers read.
    expect(await hashes({ services: defineServices({ auth: { port: 5501, redis: true } }), root: "/elsewhere" })).toEqual(before);
    const other = await hashes({ settings: { "bulkhead:maxConnections": 400 } });
    expect(other["shared-postgres"]).not.toBe(before["shared-postgres"]);
    expect(other["shared-redis"]).toBe(before["shared-redis"]);
    expect((await hashes({ settings: { "bulkhead:redis": { cpus: 2 } } }))["shared-redis"]).not.toBe(before["shared-redis"]);
    for (const [name, hash] of Object.entries(await hashes({ certificate: "OTHER" }))) expect(hash).not.toBe(before[name]);
  }, 60_000);
});
