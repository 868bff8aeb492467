import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Server } from "node:net";
import { join } from "node:path";
import { Client } from "pg";
import { isProcessAlive, postgresProcessesOf } from "../../../components/local/server/running-process";
import { serverStatus, stopServer } from "../../../components/local/server/server";
import { until } from "../../support/pool";
import type { Stack } from "./stack";
import { makeStack } from "./stack";

let stack: Stack;
const quiet = () => undefined;
/** Zombies are seen in /proc. */
const whenLinux = process.platform === "linux" ? test : test.skip;

// One stack for all: every test finds the server in whatever state the one before left it, which is one more thing to recover from.
beforeAll(async () => { stack = await makeStack(); });
afterAll(async () => { await stack.remove(); });

async function kill(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  while (isProcessAlive(pid)) await new Promise(setImmediate);
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

test("the first call makes and starts a server, the second finds it, a stop keeps the data, a start brings it back", async () => {
  expect(serverStatus(stack)).toMatchObject({ running: false, reason: "there is no data yet", version: undefined });
  const first = await stack.ensure();
  expect(first).toMatchObject({ host: "localhost", started: true, initialised: true, version: "17.10", port: stack.options.preferredPort });
  await stack.ask("CREATE SCHEMA scratch CREATE VIEW kept AS SELECT 42 AS answer");

  expect(await stack.ensure()).toEqual({ ...first, started: false, initialised: false });
  expect(stack.progress).toEqual([]);
  expect(serverStatus(stack)).toEqual({ running: true, reason: undefined, pid: first.pid, port: first.port, version: "17.10", systemIdentifier: first.systemIdentifier });

  expect(await stopServer({ directory: stack.directory, progress: quiet })).toBe(true);
  expect(isProcessAlive(first.pid)).toBe(false);
  expect(serverStatus(stack)).toMatchObject({ running: false, reason: "it was stopped", port: first.port });
  expect(await stopServer({ directory: stack.directory, progress: quiet })).toBe(false);

  expect(await stack.ensure()).toMatchObject({ started: true, initialised: false, port: first.port, systemIdentifier: first.systemIdentifier });
  expect(await stack.ask("SELECT answer FROM scratch.kept")).toBe(42);
});

test("a server killed with SIGKILL is started again and recovers", async () => {
  const first = await stack.ensure({ durability: "on" });
  await stack.ask("CREATE SCHEMA survivor CREATE VIEW kept AS SELECT 42 AS answer");
  await kill(first.pid);
  expect(serverStatus(stack)).toMatchObject({ running: false, reason: "it was killed, or the machine was restarted" });
  expect(await stack.ensure({ durability: "on" })).toMatchObject({ started: true, initialised: false, port: first.port, systemIdentifier: first.systemIdentifier });
  expect(await stack.ask("SELECT answer FROM survivor.kept")).toBe(42);
});

test("a pid file whose number now belongs to another program does not stop the start, nor that program", async () => {
  const first = await stack.ensure();
  await kill(first.pid);
  // As the user whom Postgres runs as: of others' processes Postgres itself knows that they cannot be its own.
  const { uid, gid } = statSync(stack.data);
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore", ...(process.getuid?.() === 0 ? { uid, gid } : {}) });
  try {
    await once(stranger, "spawn");
    const pidFile = join(stack.data, "postmaster.pid");
    writeFileSync(pidFile, readFileSync(pidFile, "utf8").replace(/^\d+/, String(stranger.pid)));
    expect(serverStatus(stack).running).toBe(false);
    expect(await stopServer({ directory: stack.directory, progress: quiet })).toBe(false);
    expect(await stack.ensure()).toMatchObject({ started: true, initialised: false });
    expect(stack.progress.join()).toContain("another program by now");
    expect(isProcessAlive(stranger.pid ?? 0)).toBe(true);
  } finally {
    stranger.kill("SIGKILL");
  }
});

whenLinux("a pid file whose number belongs to a zombie, as the killed server does where nobody collects it, does not stop the start", async () => {
  const first = await stack.ensure();
  await kill(first.pid);
  const { uid, gid } = statSync(stack.data);
  // The first ends at once, and the second, which its parent has become, collects nobody.
  const parent = spawn("/bin/sh", ["-c", "sleep 0.1 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"], ...(process.getuid?.() === 0 ? { uid, gid } : {}) });
  try {
    const [printed] = (await once(parent.stdout, "data")) as [Buffer];
    const zombie = Number(printed.toString());
    await until(() => readFileSync(`/proc/${zombie}/stat`, "utf8").includes(") Z "), "the process is a zombie", 10_000);
    const pidFile = join(stack.data, "postmaster.pid");
    writeFileSync(pidFile, readFileSync(pidFile, "utf8").replace(/^\d+/, String(zombie)));
    expect(serverStatus(stack).running).toBe(false);
    expect(await stack.ensure()).toMatchObject({ started: true, initialised: false, port: first.port });
  } finally {
    parent.kill("SIGKILL");
  }
});

test("processes that a killed server left behind are ended before the next start", async () => {
  const first = await stack.ensure();
  const { host, port, username: user, password, dbname: database, ca } = stack.secret();
  const client = new Client({ host, port, user, password, database, ssl: { ca } });
  client.on("error", quiet);
  await client.connect();
  const backend = Number((await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid);
  try {
    process.kill(backend, "SIGSTOP");
    await kill(first.pid);
    expect(await stack.ensure()).toMatchObject({ started: true, initialised: false });
    expect(stack.progress.join()).toContain("left behind");
    expect(isProcessAlive(backend)).toBe(false);
  } finally {
    if (isProcessAlive(backend)) process.kill(backend, "SIGKILL");
    await client.end().catch(quiet);
  }
}, 30_000);

test("a server whose pid file was removed by hand is replaced, not run twice", async () => {
  const first = await stack.ensure();
  rmSync(join(stack.data, "postmaster.pid"));
  const second = await stack.ensure();
  expect(second.systemIdentifier).toBe(first.systemIdentifier);
  expect(isProcessAlive(first.pid)).toBe(false);
  expect(second.port).toBe(first.port);
}, 30_000);

test("a server whose stack directory was removed under it makes way for a new one on the same port", async () => {
  const first = await stack.ensure();
  rmSync(stack.directory, { recursive: true });
  const second = await stack.ensure({ preferredPort: first.port });
  expect(second).toMatchObject({ initialised: true, port: first.port });
  expect(second.systemIdentifier).not.toBe(first.systemIdentifier);
  expect(isProcessAlive(first.pid)).toBe(false);
}, 30_000);

test("a shell that stands in the data directory is no process of the server", async () => {
  const first = await stack.ensure();
  const shell = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore", cwd: stack.data });
  try {
    await once(shell, "spawn");
    expect(postgresProcessesOf(stack.data)).toContain(first.pid);
    expect(postgresProcessesOf(stack.data)).not.toContain(shell.pid);
  } finally {
    shell.kill("SIGKILL");
  }
});

test.each(["127.0.0.1", "::1", "0.0.0.0"])("a port taken on %s is passed over, and the new one is remembered and written to the secret", async (host) => {
  const first = await stack.ensure();
  await stopServer({ directory: stack.directory, progress: quiet });
  const other = await listen(first.port, host);
  try {
    const second = await stack.ensure();
    expect(second.port).toBeGreaterThan(first.port);
    expect(stack.progress.join()).toContain(`port ${first.port} is taken`);
    expect(stack.secret().port).toBe(second.port);
    expect(stack.secret().url).toContain(`:${second.port}/`);
    await stopServer({ directory: stack.directory, progress: quiet });
    expect((await stack.ensure()).port).toBe(second.port);
  } finally {
    other.close();
  }
});

test("another number of connections restarts the server with it", async () => {
  const first = await stack.ensure();
  expect(await stack.ensure({ maxConnections: 41 })).toMatchObject({ started: true, initialised: false, port: first.port });
  expect(await stack.ask("SHOW max_connections")).toBe("41");
});

test("the admin gets in when all other connections are taken", async () => {
  await stack.ensure({ maxConnections: 8 });
  await stack.ask("CREATE ROLE greedy LOGIN PASSWORD 'greedy-password-1'");
  await stack.ask("CREATE DATABASE greedy_db TEMPLATE bulkhead_template");
  await stack.ask("GRANT CONNECT ON DATABASE greedy_db TO greedy");
  const { host, port, ca } = stack.secret();
  const clients = Array.from({ length: 5 }, () => new Client({ host, port, user: "greedy", password: "greedy-password-1", database: "greedy_db", ssl: { ca } }));
  try {
    for (const client of clients) await client.connect();
    const refused = new Client({ host, port, user: "greedy", password: "greedy-password-1", database: "greedy_db", ssl: { ca } });
    await expect(refused.connect()).rejects.toMatchObject({ code: "53300" });
    expect(await stack.ask("SELECT 1 AS in")).toBe(1);
    expect((await stack.ensure({ maxConnections: 8 })).started).toBe(false);
  } finally {
    for (const client of clients) await client.end();
  }
});

test("the log holds no statement, parameter, password or row", async () => {
  await stack.ensure();
  const secret = "hunter2-in-the-log";
  await expect(stack.ask(`CREATE ROLE broken PASSWORD '${secret}' NONSENSE`)).rejects.toThrow();
  await expect(stack.ask(`SELECT * FROM no_such_table WHERE x = '${secret}'`)).rejects.toThrow();
  await stack.ask("CREATE SCHEMA noisy CREATE TABLE t (x text PRIMARY KEY)");
  await expect(stack.ask(`INSERT INTO noisy.t VALUES ('${secret}'), ('${secret}')`)).rejects.toMatchObject({ code: "23505" });
  const log = readFileSync(join(stack.directory, "server.log"), "utf8");
  expect(log).toContain("duplicate key value");
  expect(log).not.toContain(secret);
  expect(log).not.toContain(stack.secret().password);
});

test("a log that has grown large is put aside while the server goes on writing", async () => {
  await stack.ensure();
  const log = join(stack.directory, "server.log");
  appendFileSync(log, "x".repeat(11 * 1024 * 1024));
  await stack.ensure();
  expect(statSync(`${log}.1`).size).toBeGreaterThan(11 * 1024 * 1024);
  await expect(stack.ask("SELECT no_such_column")).rejects.toThrow();
  expect(readFileSync(log, "utf8")).toMatch(/^[^x]*no_such_column/);
});

test("a server that accepts and does not answer is reported, and not restarted", async () => {
  const { pid } = await stack.ensure();
  process.kill(pid, "SIGSTOP");
  try {
    await expect(stack.ensure()).rejects.toMatchObject({ code: "SERVER_NOT_ANSWERING" });
  } finally {
    process.kill(pid, "SIGCONT");
  }
  expect(await stack.ensure()).toMatchObject({ pid, started: false });
});

test("a backend that crashes takes the others along, and the server is found again without a restart", async () => {
  const { pid } = await stack.ensure();
  const backend = Number(await stack.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum launcher'"));
  process.kill(backend, "SIGKILL");
  expect(await stack.ensure()).toMatchObject({ pid, started: false });
});
