import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findBinaries } from "../../components/local/server/binaries";
import { readPidFile } from "../../components/local/server/pid-file";
import { chooseIdentities } from "../../components/local/server/run-as";
import { PROGRAM_ENVIRONMENT } from "../../components/local/server/run-program";
import type { PoolOptions } from "../../manager/src/pool";
import { createPool } from "../../manager/src/pool";
import { until } from "./pool";
import { freePort } from "./free-port";

/** Whom a process of the tests runs as; undefined: as the test itself. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A Postgres server without the local target's rules: with a superuser who may log in, no TLS, and any setting. For what the tier's own server has no place for:
 * replication, other addresses, network namespaces.
 */
export interface PlainServer {
  readonly host: string;
  readonly port: number;
  readonly data: string;
  /** Process id of the postmaster; undefined while it is stopped. */
  readonly pid: number | undefined;
  /** Logs in as the superuser. */
  readonly superuser: PoolOptions;
  /** Runs statements as the superuser, one after the other; answers with the rows of the last. */
  run(...statements: string[]): Promise<Record<string, unknown>[]>;
  /** Starts it again after `kill`, and waits until it takes connections. */
  start(): Promise<void>;
  /** Ends the postmaster and waits for its end. */
  kill(signal: "SIGKILL" | "SIGQUIT" | "SIGINT"): Promise<void>;
  /** Makes a standby of it promote itself. */
  promote(): void;
  /** Ends it and removes all that was made. */
  stop(): Promise<void>;
}

export interface PlainServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Lines of postgresql.conf in addition. */
  readonly settings?: readonly string[];
  /** Runs in the network namespace of this process; takes root. */
  readonly namespaceOf?: number;
}

const SUPERUSER = "postgres";
const PASSWORD = "a superuser of tests";

/** Makes an empty cluster, with durability off, and starts it. */
export async function startPlainServer(options: PlainServerOptions = {}): Promise<PlainServer> {
  const { data, owner } = emptyFolder();
  const passwordFile = join(dirname(data), "password");
  writeFileSync(passwordFile, PASSWORD);
  give(passwordFile, owner);
  const args = ["-D", data, "-U", SUPERUSER, "-A", "scram-sha-256", `--pwfile=${passwordFile}`, "--locale=C", "-E", "UTF8", "--no-sync", "--no-instructions"];
  execFileSync(findBinaries().initdb, args, { cwd: "/", env: PROGRAM_ENVIRONMENT, stdio: ["ignore", "ignore", "pipe"], timeout: 60_000, ...owner });
  appendFileSync(join(data, "pg_hba.conf"), "host all all all scram-sha-256\nhost replication all all scram-sha-256\n");
  appendFileSync(join(data, "postgresql.conf"), [
    "listen_addresses = '*'", "unix_socket_directories = ''", "fsync = off", "synchronous_commit = off", "full_page_writes = off", "shared_buffers = '32MB'",
    "max_connections = 80", "authentication_timeout = '15s'", ...(options.settings ?? []), "",
  ].join("\n"));
  return launch(data, owner, options);
}

/** A standby of `primary`, which streams: made from a base backup of the files, as pg_basebackup (which the npm packages of Postgres do not have) does it. */
export async function startStreamingStandby(primary: PlainServer, settings: readonly string[] = []): Promise<PlainServer> {
  const { data, owner } = emptyFolder();
  const pool = createPool({ ...primary.superuser, max: 1 });
  try {
    // The backup is tied to the session that began it.
    const client = await pool.connect();
    await client.query("SELECT pg_backup_start('standby', fast => true)");
    execFileSync("cp", ["-a", `${primary.data}/.`, data], { timeout: 60_000 });
    const { rows } = await client.query<{ labelfile: string }>("SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)");
    client.release();
    for (const name of ["postmaster.pid", "postmaster.opts"]) rmSync(join(data, name), { force: true });
    for (const [name, text] of [["backup_label", rows[0]!.labelfile], ["standby.signal", ""]] as const) {
      writeFileSync(join(data, name), text);
      give(join(data, name), owner);
    }
  } finally {
    await pool.close();
  }
  appendFileSync(join(data, "postgresql.conf"), [
    "hot_standby = on", `primary_conninfo = 'host=${primary.host} port=${primary.port} user=${SUPERUSER} password=''${PASSWORD}'''`, "wal_receiver_status_interval = '100ms'",
    "wal_retrieve_retry_interval = '100ms'", ...settings, "",
  ].join("\n"));
  return launch(data, owner, { host: primary.host });
}

function emptyFolder(): { data: string; owner: RunAs | undefined } {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-plain-"));
  // As root, Postgres runs as another user, who has to get in.
  chmodSync(root, 0o755);
  const data = join(root, "data");
  mkdirSync(data, { mode: 0o700 });
  const owner = chooseIdentities(root, data).server;
  give(data, owner);
  return { data, owner };
}

function give(path: string, owner: RunAs | undefined): void {
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

async function launch(data: string, owner: RunAs | undefined, { host = "127.0.0.1", namespaceOf }: PlainServerOptions): Promise<PlainServer> {
  const root = dirname(data);
  const port = await freePort();
  appendFileSync(join(data, "postgresql.conf"), `port = ${port}\n`);
  const superuser = { host, port, user: SUPERUSER, password: PASSWORD, database: "postgres" };
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  const killOnExit = (): void => void child?.kill("SIGQUIT");
  const server: PlainServer = {
    host,
    port,
    data,
    superuser,
    get pid() {
      return child?.pid;
    },
    async run(...statements) {
      const pool = createPool({ ...superuser, max: 1 });
      try {
        let rows: Record<string, unknown>[] = [];
        for (const statement of statements) ({ rows } = await pool.query<Record<string, unknown>>(statement));
        return rows;
      } finally {
        await pool.close();
      }
    },
    async start() {
      const log = openSync(join(root, "log"), "a");
      const [program, args, as] = command(data, owner, namespaceOf);
      const started = spawn(program, args, { cwd: "/", env: PROGRAM_ENVIRONMENT, detached: true, stdio: ["ignore", log, log], ...as });
      closeSync(log);
      child = started;
      ended = new Promise((resolve) => started.once("exit", () => {
        child = undefined;
        resolve();
      }));
      process.once("exit", killOnExit);
      await until(() => {
        if (child === undefined) throw new Error(`Postgres did not start:\n${readFileSync(join(root, "log"), "utf8").slice(-2000)}`);
        const file = readPidFile(data);
        return file?.pid === started.pid && ["ready", "standby"].includes(file?.status ?? "");
      }, "Postgres takes connections", 30_000);
    },
    async kill(signal) {
      child?.kill(signal);
      await ended;
      process.removeListener("exit", killOnExit);
    },
    promote() {
      // Whole before it is there: the server looks for it now and then, and removes what it finds.
      const draft = join(data, "promote.draft");
      writeFileSync(draft, "");
      give(draft, owner);
      renameSync(draft, join(data, "promote"));
      child?.kill("SIGUSR1");
    },
    async stop() {
      await server.kill("SIGQUIT");
      rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
  await server.start().catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  return server;
}

function command(data: string, owner: RunAs | undefined, namespaceOf: number | undefined): [program: string, args: string[], as: Partial<RunAs>] {
  const { postgres } = findBinaries();
  if (namespaceOf === undefined) return [postgres, ["-D", data], owner ?? {}];
  const { uid, gid } = owner ?? statSync(data);
  return ["nsenter", ["-t", String(namespaceOf), "-n", "-S", String(uid), "-G", String(gid), "--", postgres, "-D", data], {}];
}
