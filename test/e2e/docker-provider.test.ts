import { Container } from "@pulumi/docker/container";
import type { ContainerArgs } from "@pulumi/docker/container";
import { Network } from "@pulumi/docker/network";
import { Provider } from "@pulumi/docker/provider";
import { RemoteImage } from "@pulumi/docker/remoteImage";
import { Volume } from "@pulumi/docker/volume";

import { describeWhere } from "../support/describe-where";
import { obtainDocker } from "../support/docker/daemon";
import type { DockerDaemon } from "../support/docker/daemon";
import { lackOfImages, provideImages } from "../support/docker/images";
import { UNKNOWN } from "../support/simulated-cloud/provider/property-values";
import { SimulatedCloud } from "../support/simulated-cloud/simulated-cloud";
import { SimulatedStack } from "../support/simulated-cloud/stack";
import type { Run } from "../support/simulated-cloud/stack";

// The simulated Docker provider on the real engine, with and without a Docker engine behind it: what the docker target's tests rest on.

const CONTAINER = "docker:index/container:Container";
const NETWORK = "docker:index/network:Network";
/** Runs of the engine take a second or two each. */
const TIMEOUT_MS = 120_000;

interface Parts {
  readonly host?: string;
  readonly image?: string;
  readonly container?: Partial<ContainerArgs>;
}

/** A network, a volume and a container in it, as the docker target declares them. */
function parts({ host = "unix:///nowhere", image = "postgres:17", container = {} }: Parts = {}): () => Promise<Record<string, unknown>> {
  return async () => {
    const options = { provider: new Provider("engine", { host }) };
    const network = new Network("network", { name: "parts" }, options);
    const volume = new Volume("data", { name: "parts-data" }, { ...options, retainOnDelete: true });
    const found = new RemoteImage("image", { name: image, keepLocally: true }, options);
    const made = new Container(
      "server",
      {
        name: "parts-server",
        image: found.imageId,
        command: ["sleep", "600"],
        entrypoints: ["setpriv"],
        envs: ["B=2", "A=1"],
        mounts: [{ type: "volume", source: volume.name, target: "/data" }, { type: "tmpfs", target: "/keys", tmpfsOptions: { sizeBytes: 65536, mode: 0o700 } }],
        networksAdvanced: [{ name: network.name, aliases: ["server"] }],
        labels: [{ label: "tests", value: "parts" }],
        healthcheck: { tests: ["CMD", "true"], interval: "1m0s", timeout: "5s", startPeriod: "10s", retries: 3 },
        memory: 64,
        memorySwap: 64,
        mustRun: false,
        init: true,
        destroyGraceSeconds: 1,
        ...container,
      },
      { ...options, deleteBeforeReplace: true },
    );
    return { id: made.id, image: found.imageId };
  };
}

async function withStack(behaviours: boolean, program: () => Promise<Record<string, unknown>>, test: (stack: SimulatedStack, cloud: SimulatedCloud) => Promise<void>): Promise<void> {
  const cloud = SimulatedCloud.create({ behaviours });
  const stack = await SimulatedStack.create({ cloud, program });
  try {
    await test(stack, cloud);
  } finally {
    stack.dispose();
    await cloud.dispose();
  }
}

function expectOk(run: Run): Run {
  expect({ ok: run.ok, diagnostics: run.diagnostics }).toEqual({ ok: true, diagnostics: [] });
  return run;
}

function ops(run: Run): string[] {
  return run.steps.filter(({ type }) => type.startsWith("docker:")).map(({ op, name }) => `${op} ${name}`);
}

test("without an engine, a deployment is previewed, made, found unchanged, replaced and destroyed", () =>
  withStack(false, parts(), async (stack, cloud) => {
    expect(expectOk(await stack.preview()).outputs).toEqual({ id: UNKNOWN, image: UNKNOWN });
    expect(expectOk(await stack.up()).changes).toEqual({ create: 6 });
    expect(expectOk(await stack.up()).changes).toEqual({ same: 6 });
    stack.program = parts({ container: { restart: "unless-stopped", envs: ["A=1", "B=2"] } });
    const update = expectOk(await stack.up());
    expect(update.steps).toEqual([expect.objectContaining({ op: "update", diff: { restart: "update" } })]);
    stack.program = parts({ container: { restart: "unless-stopped", envs: ["A=1", "B=3"] } });
    const replacement = expectOk(await stack.up());
    expect(replacement.steps.map(({ op }) => op)).toEqual(["delete-replaced", "replace", "create-replacement"]);
    expect(expectOk(await stack.destroy()).changes).toEqual({ delete: 6 });
    // The volume's data are nobody's to delete.
    expect(cloud.resources().map(({ type }) => type)).toEqual(["docker:index/volume:Volume"]);
  }), TIMEOUT_MS);

test("a form that the provider reads back in another differs at every deployment", () =>
  withStack(false, parts({ container: { healthcheck: { tests: ["CMD", "true"], interval: "60s" } } }), async (stack) => {
    expectOk(await stack.up());
    expect((await stack.preview()).steps).toEqual([expect.objectContaining({ op: "update", type: CONTAINER, diff: { "healthcheck.interval": "update" } })]);
    stack.program = parts({ container: { memorySwap: undefined! } });
    expectOk(await stack.up());
    expect((await stack.preview()).steps).toEqual([expect.objectContaining({ op: "update", type: CONTAINER, diff: { memorySwap: "delete" } })]);
  }), TIMEOUT_MS);

test("what the provider or the engine would refuse fails", () =>
  withStack(false, parts({ container: { restart: "sometimes", healthcheck: { tests: ["CMD", "true"], interval: "soon" }, ports: [{ internal: 5432, external: 70000 }], mounts: [{ type: "nfs", target: "/x" }] } }), async (stack, cloud) => {
    const refused = (await stack.preview()).diagnostics.join("\n");
    for (const expected of ["restart: must be one of no, on-failure", "healthcheck.interval: must match", "ports[0].external: must be 0 to 65535", "mounts[0].type: must be one of bind"]) expect(refused).toContain(expected);
    cloud.add({ type: CONTAINER, id: "theirs", inputs: { name: "parts-server" } });
    stack.program = parts();
    expect((await stack.up()).diagnostics.join("\n")).toContain('The container name "/parts-server" is already in use');
    cloud.edit(CONTAINER, "", (theirs) => { theirs.inputs = { name: "else", ports: [{ external: 5432, ip: "0.0.0.0" }] }; });
    stack.program = parts({ container: { ports: [{ internal: 5432, external: 5432, ip: "127.0.0.1" }] } });
    expect((await stack.up()).diagnostics.join("\n")).toContain("port is already allocated");
  }), TIMEOUT_MS);

const docker = obtainDocker();
const missing = "missing" in docker ? docker.missing : lackOfImages("postgres:17");

describeWhere(missing, "with an engine", () => {
  let daemon: DockerDaemon;

  beforeAll(async () => {
    daemon = await (docker as Exclude<typeof docker, { missing: string }>).start();
    await provideImages(daemon, "postgres:17");
  }, TIMEOUT_MS);

  afterAll(() => daemon?.stop());

  const running = (): string[] => daemon.run("ps", "--format", "{{.Names}}").split("\n").filter((name) => name !== "");

  test("a container is one, reads back as it was given, and is made anew where somebody removed it", () =>
    withStack(true, parts({ host: daemon.host, container: { wait: true, healthcheck: { tests: ["CMD", "true"], interval: "1s", timeout: "5s" }, ports: [{ internal: 5432, external: 0, ip: "127.0.0.1" }] } }), async (stack) => {
      const up = expectOk(await stack.up());
      expect(running()).toEqual(["parts-server"]);
      expect(daemon.run("inspect", "--format", "{{.Id}} {{.State.Health.Status}}", "parts-server")).toBe(`${up.outputs["id"] as string} healthy`);
      expect(daemon.run("exec", "parts-server", "getent", "hosts", "server")).toMatch(/^10\.213\./);
      expectOk(await stack.refresh());
      expect(expectOk(await stack.up()).steps).toEqual([]);

      daemon.run("rm", "--force", "parts-server");
      expect(expectOk(await stack.refresh()).changes).toMatchObject({ delete: 1 });
      expect(ops(expectOk(await stack.up()))).toEqual(["create server"]);

      // The engine tells no ports of a container that does not run, and the provider takes that for a change.
      daemon.run("stop", "parts-server");
      expectOk(await stack.refresh());
      expect((await stack.preview()).steps.find(({ op }) => op === "replace")?.diff).toEqual({ ports: "add-replace" });

      expect(expectOk(await stack.destroy()).changes).toEqual({ delete: 6 });
      expect(daemon.run("ps", "--all", "--quiet")).toBe("");
      expect(daemon.run("volume", "ls", "--quiet").split("\n")).toContain("parts-data");
    }), TIMEOUT_MS);

  test("names and ports that are taken, and images that are not there, are refused as the engine says it", () =>
    withStack(true, parts({ host: daemon.host, image: "nowhere.invalid/none:1" }), async (stack, cloud) => {
      expect((await stack.up()).diagnostics.join("\n")).toContain("Unable to read Docker image into resource: unable to pull image nowhere.invalid/none:1");
      daemon.run("create", "--name", "parts-server", "postgres:17");
      stack.program = parts({ host: daemon.host });
      expect((await stack.up()).diagnostics.join("\n")).toMatch(/Unable to create container: Error response from daemon: Conflict\. The container name "\/parts-server" is already in use/);
      expect(cloud.resources(NETWORK)).toHaveLength(1);
      expectOk(await stack.destroy());
      expect(daemon.run("ps", "--all", "--format", "{{.Names}}")).toBe("parts-server");
    }), TIMEOUT_MS);
});
