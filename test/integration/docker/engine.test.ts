import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { execInContainer } from "../../../components/docker/engine/containers";
import { inspectDaemon } from "../../../components/docker/engine/daemon";
import { resolveDockerHost } from "../../../components/docker/engine/docker-host";
import { followLogs } from "../../../components/docker/engine/follow-logs";
import { inspectContainers, inspectImage, inspectNetwork, inspectVolume } from "../../../components/docker/engine/inspect";
import { callDocker, readDocker } from "../../../components/docker/engine/run-docker";
import { dockerStatus } from "../../../components/docker/status";
import { isProcessAlive } from "../../../components/local/server/running-process";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { standInDocker } from "./stand-in";
import type { StandIn } from "./stand-in";

let docker: StandIn;
beforeEach(() => {
  docker = standInDocker();
});
afterEach(() => docker.remove());

/** The error that a promise rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<BulkheadError> {
  const error: unknown = await promise.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof BulkheadError)) throw new Error(`no BulkheadError: ${String(error)}`);
  return error;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const says = (text: string, exitCode = 1): string => `echo '${text}' >&2; exit ${exitCode}`;

test("without the program, the error says how it is installed and that the local target needs none", async () => {
  docker.isMissing();
  const { code, hint } = await failureOf(callDocker(["ps"]));
  expect(code).toBe("DOCKER_MISSING");
  expect(hint).toContain("pulumi config set target local");
});

test("a file of that name that nobody may execute is no program", async () => {
  docker.does("exit 0");
  chmodSync(join(docker.folder, "docker"), 0o644);
  process.env["PATH"] = docker.folder;
  expect((await failureOf(callDocker(["ps"]))).code).toBe("DOCKER_MISSING");
});

// As Docker's command lines of 20.10 and 28.2 say it.
test.each([
  ["DOCKER_DOWN", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", /docker/i],
  ["DOCKER_DOWN", 'error during connect: Get "http://docker.example.com/v1.50/info": command [ssh -l x -- host docker system dial-stdio] has exited with exit status 255', /docker/i],
  ["DOCKER_DOWN", 'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: no such file or directory', /docker/i],
  ["DOCKER_DENIED", 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/containers/json": dial unix /var/run/docker.sock: connect: permission denied', /usermod -aG docker|docker context/],
  ["DOCKER_DENIED", "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get: dial unix /var/run/docker.sock: connect: permission denied", /usermod -aG docker|docker context/],
  ["DOCKER_CONTEXT_UNKNOWN", 'Failed to initialize: unable to resolve docker endpoint: context "nope": context not found: open /meta.json: no such file or directory', /docker context use default/],
  ["DOCKER_CONTEXT_UNKNOWN", 'unable to resolve docker endpoint: context "nope" does not exist', /docker context use default/],
  ["DOCKER_DISK_FULL", "Error response from daemon: mkdir /var/lib/docker/overlay2/x: no space left on device", /docker system df/],
  ["DOCKER_PORT_TAKEN", "Error response from daemon: driver failed programming external connectivity on endpoint shared-postgres: Bind for 127.0.0.1:5432 failed: port is already allocated", /doctor/],
  ["DOCKER_FAILED", "Error response from daemon: something nobody has seen before", /doctor/],
])("%s is what it means when docker says: %s", async (expected, text, hint) => {
  docker.does(says(text));
  const error = await failureOf(callDocker(["ps"]));
  expect(error.code).toBe(expected);
  expect(error.message).toContain(text.slice(0, 60));
  expect(error.hint).toMatch(hint);
});

test("a daemon that is down is no crash of status, but its reason, with what starts it", async () => {
  docker.does(says("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"));
  const catalog = defineServices({ auth: { port: 3001 } });
  const status = await dockerStatus({ stack: "dev", root: docker.folder, config: { stack: "dev", target: "docker", settings: {} }, catalog: () => catalog, progress: () => undefined });
  expect(status).toMatchObject({ running: false, version: undefined });
  expect(status.reason).toMatch(/daemon does not answer.*docker/i);
});

test("a call that hangs is ended in time, with everything it started", async () => {
  docker.does(`sleep 600 & echo $! > ${docker.folder}/child; wait`);
  const { code, hint } = await failureOf(callDocker(["ps"], { timeoutMs: 300 }));
  expect(code).toBe("DOCKER_TIMEOUT");
  expect(hint).toContain("docker info");
  // It may have been ended before it came so far.
  const child = existsSync(`${docker.folder}/child`) ? Number(readFileSync(`${docker.folder}/child`, "utf8")) : 0;
  if (child > 0) await until(() => !isProcessAlive(child));
});

test("a cancelled call ends with the reason of the cancellation, and its process with it", async () => {
  docker.does(`echo $$ > ${docker.folder}/pid; exec sleep 600`);
  const controller = new AbortController();
  const call = callDocker(["ps"], { signal: controller.signal });
  await until(() => existsSync(`${docker.folder}/pid`) && readFileSync(`${docker.folder}/pid`, "utf8").endsWith("\n"));
  controller.abort(new Error("Ctrl-C"));
  await expect(call).rejects.toThrow("Ctrl-C");
  expect(isProcessAlive(Number(readFileSync(`${docker.folder}/pid`, "utf8")))).toBe(false);
});

test.each([
  ["a page of HTML", "echo '<html>proxy error</html>'"],
  ["nothing", "exit 0"],
  ["JSON of another shape", "echo '{\"a\":1}'"],
  ["a list of something else", "echo '[1]'"],
])("an answer that is %s is said to be none of Docker's", async (_name, script) => {
  docker.does(script);
  expect((await failureOf(inspectContainers(["shared-postgres"]))).code).toBe("DOCKER_ANSWER_UNREADABLE");
});

test("a flood of output is cut, in memory and in the message", async () => {
  docker.does("head -c 20000000 /dev/zero | tr '\\0' x");
  const { code, message } = await failureOf(readDocker(["info"]));
  expect(code).toBe("DOCKER_ANSWER_UNREADABLE");
  expect(message.length).toBeLessThan(2_000);
});

test("no password that docker prints gets into an error", async () => {
  docker.does(says("Error response from daemon: proxyconnect http://user:hunter2@proxy:3128 failed, password=hunter2"));
  const { message } = await failureOf(callDocker(["pull", "postgres:17"]));
  expect(message).toContain("proxyconnect");
  expect(message).not.toContain("hunter2");
});

test.each([
  ["28.2", "Error response from daemon: No such container: gone", "Error response from daemon: get gone: no such volume", "Error response from daemon: network gone not found", "Error response from daemon: no such image: gone: No such image: gone:latest"],
  ["20.10", "Error: No such container: gone", "Error: No such volume: gone", "Error: No such network: gone", "Error: No such image: gone"],
])("what does not exist is no error, as docker %s says it", async (_version, container, volume, network, image) => {
  docker.does(`echo '[]'; case $1 in container) echo '${container}' >&2 ;; volume) echo '${volume}' >&2 ;; network) echo '${network}' >&2 ;; image) echo '${image}' >&2 ;; esac; exit 1`);
  expect((await inspectContainers(["gone"])).size).toBe(0);
  expect(await inspectVolume("gone")).toBeUndefined();
  expect(await inspectNetwork("gone")).toBeUndefined();
  expect(await inspectImage("gone")).toBeUndefined();
});

test("of several containers, those that exist are found although others are not", async () => {
  docker.does(`echo '[{"Id":"1","Name":"/there","State":{"Status":"exited","ExitCode":137,"OOMKilled":true},"Config":{"Labels":null,"Env":null}}]'; ${says("Error response from daemon: No such container: gone")}`);
  const found = await inspectContainers(["there", "gone"]);
  expect([...found.keys()]).toEqual(["there"]);
  expect(found.get("there")).toMatchObject({ status: "exited", exitCode: 137, oomKilled: true, labels: {}, env: [], ports: {}, health: null });
});

test("a command that fails in a container is told from a container in which none can be run", async () => {
  docker.does(says('psql: error: FATAL: role "postgres" does not exist', 2));
  expect(await execInContainer({ container: "c", command: ["psql"], timeoutMs: 5_000 })).toMatchObject({ exitCode: 2 });
  docker.does(says("Error response from daemon: container 1234 is not running"));
  expect((await failureOf(execInContainer({ container: "c", command: ["psql"], timeoutMs: 5_000 }))).message).toContain("is not running");
});

test("what a command in a container is given by standard input is on nobody's command line", async () => {
  docker.does(`printf '%s ' "$@" > ${docker.folder}/arguments; cat > ${docker.folder}/input`);
  await execInContainer({ container: "c", user: "postgres", command: ["psql"], input: "ALTER ROLE x PASSWORD 'verifier'", timeoutMs: 5_000 });
  expect(readFileSync(`${docker.folder}/input`, "utf8")).toContain("verifier");
  expect(readFileSync(`${docker.folder}/arguments`, "utf8")).toBe("exec -i -u postgres c psql ");
});

test("a daemon is known by version and folder, and errors in an answer that counts as good are seen", async () => {
  docker.does(`echo '{"ServerVersion":"28.2.2","DockerRootDir":"/var/lib/docker"}'`);
  expect(await inspectDaemon()).toEqual({ version: "28.2.2", dataRoot: "/var/lib/docker" });
  docker.does(`echo '{"ServerErrors":["Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"]}'`);
  expect((await failureOf(inspectDaemon())).code).toBe("DOCKER_DOWN");
});

describe("the daemon's address", () => {
  test("is that of the environment, and no process is started to find it", async () => {
    docker.does("exit 1");
    process.env["DOCKER_HOST"] = "unix:///run/user/1000/docker.sock";
    expect(await resolveDockerHost()).toBe("unix:///run/user/1000/docker.sock");
  });

  test("else that of the current context", async () => {
    docker.does(`[ "$1 $2" = 'context inspect' ] && echo '"unix:///home/me/.colima/docker.sock"'`);
    expect(await resolveDockerHost()).toBe("unix:///home/me/.colima/docker.sock");
  });

  test.each(["ssh://me@build-server", "tcp://10.0.0.7:2376"])("is refused when it is another machine's: %s", async (host) => {
    process.env["DOCKER_HOST"] = host;
    const { code, hint } = await failureOf(resolveDockerHost());
    expect(code).toBe("DOCKER_REMOTE");
    expect(hint).toContain("docker context use default");
  });

  test.each(["tcp://localhost:2375", "tcp://127.0.0.1:2375", "npipe:////./pipe/docker_engine"])("is good when it is this machine's: %s", async (host) => {
    process.env["DOCKER_HOST"] = host;
    expect(await resolveDockerHost()).toBe(host);
  });
});

describe("logs", () => {
  const collect = async (lines: AsyncIterable<string>): Promise<string[]> => {
    const all: string[] = [];
    for await (const line of lines) all.push(line);
    return all;
  };

  test("are the lines of both streams, also more of them than wait at once", async () => {
    docker.does(`[ "$1 $2 $3 $4" = 'logs --tail 7 shared-postgres' ] || exit 9; echo error >&2; seq 5000; printf 'no newline'`);
    const lines = await collect(followLogs("shared-postgres", { lines: 7, follow: false }));
    expect(lines).toHaveLength(5_002);
    expect(lines).toEqual(expect.arrayContaining(["error", "1", "5000", "no newline"]));
  });

  test("of a container that is not there are an error", async () => {
    docker.does(says("Error response from daemon: No such container: gone"));
    expect((await failureOf(collect(followLogs("gone", { lines: 1, follow: false })))).message).toContain("No such container");
    docker.isMissing();
    expect((await failureOf(collect(followLogs("gone", { lines: 1, follow: false })))).code).toBe("DOCKER_MISSING");
  });

  test("that are followed end without an error when that is cancelled, and the process with them", async () => {
    docker.does(`echo $$ ; exec sleep 600`);
    const controller = new AbortController();
    const lines: string[] = [];
    for await (const line of followLogs("c", { lines: 1, follow: true, signal: controller.signal })) {
      lines.push(line);
      controller.abort();
    }
    expect(lines).toHaveLength(1);
    await until(() => !isProcessAlive(Number(lines[0])));
  });

  test("that nobody reads on end their process", async () => {
    docker.does(`echo $$ ; exec sleep 600`);
    let pid = 0;
    for await (const line of followLogs("c", { lines: 1, follow: true })) {
      pid = Number(line);
      break;
    }
    await until(() => !isProcessAlive(pid));
  });
});
