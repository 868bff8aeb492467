import { rmSync, writeFileSync, chmodSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { DoctorCheck } from "../../../scripts/doctor/finding";
import { Checkout } from "../../support/checkout";
import { listeningInodes } from "../../../components/docker/lifecycle-port-holder";
import { freePort } from "../../support/free-port";

const DIGEST = `sha256:${"ab".repeat(32)}`;

/** Answers of a healthy Docker of which nothing is used yet; a test puts its own before them. */
const HEALTHY = `
  'info --format') echo '{"ServerVersion":"28.2.2","DockerRootDir":"/"}' ;;
  'container inspect') echo '[]'; echo 'Error response from daemon: No such container: x' >&2; exit 1 ;;
  'network inspect') echo '[]'; echo 'Error response from daemon: network bulkhead not found' >&2; exit 1 ;;
  'volume inspect') echo '[]'; echo 'Error response from daemon: get x: no such volume' >&2; exit 1 ;;
  'image inspect') echo '[{"Id":"sha256:1","Config":{"Env":["PG_MAJOR=17"]},"RepoDigests":["postgres@${DIGEST}"]}]' ;;
  'ps '*) ;;
  *) echo "not foreseen: $*" >&2; exit 1 ;;`;

let checkout: Checkout;
let folder: string;
let port: number;

beforeAll(async () => {
  checkout = await Checkout.create({ services: "auth: { port: 3001 }" });
  folder = mkdtempSync(join(tmpdir(), "bulkhead-doctor-docker-"));
  port = await freePort();
});
afterAll(() => {
  checkout.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What doctor says of a stack whose Docker answers so, by check. */
async function doctor(answers: string | null, { target = "docker", settings = "" } = {}): Promise<Map<string, DoctorCheck>> {
  checkout.write("Pulumi.dev.yaml", `config:\n  bulkhead:target: ${target}\n${target === "docker" ? `  bulkhead:postgres: { port: ${port} }\n` : ""}${settings}encryptionsalt: v1:ktv4jNCQlpc=:v1:/zA+/2vT7qDPpxKw:VJLv/MX6x7bKGId+NExHqJ6eFidgAA==\n`);
  const program = join(folder, "docker");
  rmSync(program, { force: true });
  if (answers !== null) {
    writeFileSync(program, `#!/bin/sh\ncase "$1 $2" in\n${answers}\n${HEALTHY}\nesac\n`);
    chmodSync(program, 0o755);
  }
  const PATH = answers === null ? folder : `${folder}:/usr/bin:/bin`;
  const { stdout, stderr } = await checkout.bulkhead(["doctor", "--output", "json"], { env: { PATH, DOCKER_HOST: "unix:///var/run/docker.sock", DOCKER_CONTEXT: undefined } });
  if (stdout === "") throw new Error(stderr);
  const { checks } = JSON.parse(stdout) as { checks: DoctorCheck[] };
  return new Map(checks.map((check) => [check.id, check]));
}

test("a local stack is told in one line whether Docker can be used, and needs it not", async () => {
  const usable = await doctor("", { target: "local" });
  expect(usable.get("docker")).toMatchObject({ group: "Machine", status: "passed", detail: "28.2.2" });
  expect([...usable.keys()].filter((id) => id.startsWith("docker"))).toEqual(["docker"]);
  expect((await doctor(null, { target: "local" })).get("docker")).toMatchObject({ status: "warning", fix: expect.stringMatching(/docker/i) as string });
});

test("a docker stack on a healthy Docker passes, with the line that pins its image", async () => {
  const checks = await doctor("");
  for (const id of ["docker", "docker-names", "docker-ports", "docker-images", "docker-volume"]) expect(checks.get(id)).toMatchObject({ status: "passed" });
  expect(checks.get("docker-pins")).toMatchObject({ status: "warning", fix: `pulumi config set --path 'bulkhead:images.postgres' postgres:17@${DIGEST} --stack dev` });
  expect((await doctor("", { settings: `  bulkhead:images: { postgres: "postgres:17@${DIGEST}" }\n` })).get("docker-pins")).toMatchObject({ status: "passed" });
});

test.each([
  ["no program", null, /no program docker/, /docker/i],
  ["a daemon that is down", "*) echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2; exit 1 ;;", /does not answer/, /start the daemon|systemctl|open -a/],
  ["a socket that is closed to the user", "*) echo 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock' >&2; exit 1 ;;", /may not use/, /usermod -aG docker|context/],
])("%s is one failure with its fix, and keeps the other checks from failing, too", async (_name, answers, detail, fix) => {
  const checks = await doctor(answers);
  expect(checks.get("docker")).toMatchObject({ status: "failed", detail: expect.stringMatching(detail) as string, fix: expect.stringMatching(fix) as string });
  for (const id of ["docker-names", "docker-images", "docker-volume", "docker-disk"]) expect(checks.get(id)).toMatchObject({ status: "warning", detail: expect.stringContaining("not looked at") as string });
});

test("a container and a network of its names that are somebody else's are named, with what keeps them", async () => {
  const foreign = `"Labels":{"com.docker.compose.project":"shop"}`;
  const checks = await doctor(`'container inspect') echo '[{"Id":"1","Name":"/shared-postgres","State":{"Status":"running"},"Config":{${foreign}}}]' ;;\n'network inspect') echo '[{"Id":"2","Name":"bulkhead",${foreign},"Containers":{}}]' ;;`);
  const names = checks.get("docker-names");
  expect(names).toMatchObject({ status: "failed", detail: expect.stringMatching(/shared-postgres belongs to the Compose project shop.*network bulkhead belongs to/) as string });
  expect(names?.fix).toContain("docker rename shared-postgres shared-postgres-old");
  expect(names?.fix).toContain("docker network rm bulkhead");
});

test("who has the port is named: a process of this machine, or a container", async () => {
  const listener = await listen(port);
  try {
    const taken = (await doctor("")).get("docker-ports");
    expect(taken).toMatchObject({ status: "failed", fix: expect.stringContaining(`pulumi config set --path 'bulkhead:postgres.port'`) as string });
    // Without /proc it takes lsof.
    if (process.platform === "linux") expect(taken?.detail).toContain(`(${process.pid})`);
    expect((await doctor(`'ps --no-trunc') case "$*" in *publish=${port}*) echo '{"ID":"9","Names":"web","State":"running","Ports":""}' ;; esac ;;`)).get("docker-ports")?.detail).toContain("container web");
  } finally {
    await new Promise((resolve) => listener.close(resolve));
  }
});

describe("an image that is not here", () => {
  const missing = `'image inspect') echo '[]'; echo 'Error response from daemon: No such image: postgres:17' >&2; exit 1 ;;`;
  const registry = (said: string): string => `${missing}\n'manifest inspect') echo '${said}' >&2; exit 1 ;;`;

  test("can be pulled where its registry has it", async () => {
    expect((await doctor(`${missing}\n'manifest inspect') echo '{}' ;;`)).get("docker-images")).toMatchObject({ status: "warning", fix: expect.stringContaining("docker pull postgres:17") as string });
  });

  test.each([
    ["failed to configure transport: error pinging v2 registry: dial tcp: lookup registry.example on 10.0.0.1:53: no such host", /cannot be reached/, /images\.registry.*images\.pull/],
    ["errors: denied: requested access to the resource is denied, unauthorized: authentication required", /does not give it/, /docker login/],
    ["no such manifest: docker.io/library/postgres:17", /has none of that name/, /images\.<server>/],
  ])("is a failure with its fix when the registry says: %s", async (said, detail, fix) => {
    expect((await doctor(registry(said))).get("docker-images")).toMatchObject({ status: "failed", detail: expect.stringMatching(detail) as string, fix: expect.stringMatching(fix) as string });
  });

  test("is not asked for in a registry by a stack that pulls none", async () => {
    const check = (await doctor(missing, { settings: "  bulkhead:images: { pull: never }\n" })).get("docker-images");
    expect(check).toMatchObject({ status: "failed", detail: expect.stringContaining("images.pull is never") as string, fix: expect.stringContaining("docker pull postgres:17") as string });
  });
});

test("a volume of another major version is a failure with the commands that upgrade it", async () => {
  // A tar archive: 512 bytes of header, then the file.
  const checks = await doctor(`'volume inspect') echo '[{"Name":"bulkhead-dev-postgres","Labels":{}}]' ;;\n'create '*) echo 1234 ;;\n'cp '*) head -c 512 /dev/zero; printf '15\\n' ;;\n'rm '*) ;;`);
  expect(checks.get("docker-volume")).toMatchObject({ status: "failed", detail: expect.stringMatching(/PostgreSQL 15.*PostgreSQL 17/) as string, fix: expect.stringContaining("pg_dumpall") as string });
});

test("only sockets that listen on the port, and no connections to it, count as its holders", () => {
  // Of proc_pid_net(5): 5432 is 1538.
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0",
    "   1: 0100007F:1538 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0",
    "   2: 0100007F:C001 0100007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0",
    "   3: 00000000:1539 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4714 1 0",
    "",
  ].join("\n");
  expect(listeningInodes(table, 5432)).toEqual(["4711"]);
});

function listen(wanted: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", () => resolve(server));
  });
}
