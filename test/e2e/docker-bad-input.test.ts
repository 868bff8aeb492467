import { DockerCheckout, SERVICES } from "../support/docker/docker-checkout";

// What is wrong is said before anything is made, with the command that mends it; no Docker engine is needed for that, and none is there.

let stack: DockerCheckout;

beforeAll(async () => {
  stack = await DockerCheckout.create();
});

afterAll(() => stack.remove());

async function refused(...args: string[]): Promise<{ exitCode: number | null; stderr: string }> {
  const { exitCode, stderr } = await stack.bulkhead(args);
  expect(stack.newOperations()).toEqual([]);
  return { exitCode, stderr };
}

test("every wrong setting is told at once, with the line that mends it", async () => {
  const settings = stack.checkout.read("Pulumi.dev.yaml");
  stack.configure({ "bulkhead:postgres": { port: 70000, superuser: "no-good" }, "bulkhead:images": { pull: "always" }, "bulkhead:services": { nobody: { image: "x:1" } }, "bulkhead:network": {} });
  const { exitCode, stderr } = await refused("up");
  stack.checkout.write("Pulumi.dev.yaml", settings);
  expect(exitCode).toBe(1);
  for (const expected of ["CONFIG_INVALID", "postgres.port", "postgres.superuser", "images.pull", "services.nobody", "network", "pulumi config"]) expect(stderr).toContain(expected);
});

test("two containers on one port of the host are refused", async () => {
  const { port } = stack.setting<{ port: number }>("bulkhead:postgres");
  const settings = stack.checkout.read("Pulumi.dev.yaml");
  stack.checkout.declare(`${SERVICES} reports: { port: ${port}, image: "reports:1" },`);
  const { exitCode, stderr } = await refused("preview");
  stack.checkout.declare(SERVICES);
  stack.checkout.write("Pulumi.dev.yaml", settings);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/postgres\.port[\s\S]*service reports/) as string });
});

test.each([
  ["an engine that does not run", {}, /DOCKER_\w+[\s\S]*docker/],
  ["no docker command", { PATH: "/nowhere" }, /DOCKER_MISSING/],
  ["an engine of another machine", { DOCKER_HOST: "ssh://somewhere.invalid" }, /somewhere\.invalid[\s\S]*DOCKER_HOST/],
])("%s is said as such, by up and by doctor", async (_, env, expected) => {
  const { exitCode, stderr } = await stack.bulkhead(["up"], { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(expected) as string });
  expect(stack.newOperations()).toEqual([]);
  const doctor = await stack.bulkhead(["doctor"], { env });
  expect({ exitCode: doctor.exitCode, stdout: doctor.stdout }).toEqual({ exitCode: 3, stdout: expect.stringMatching(/fail +Docker/i) as string });
});
