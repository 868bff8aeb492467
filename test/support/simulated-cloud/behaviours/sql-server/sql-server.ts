import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Client } from "pg";

import { createTls } from "../../../../../components/certificates/tls-files";
import { validity } from "../../../../../components/certificates/x509";
import { findBinaries } from "../../../../../components/local/server/binaries";
import { readPidFile } from "../../../../../components/local/server/pid-file";
import { chooseIdentities } from "../../../../../components/local/server/run-as";
import { PROGRAM_ENVIRONMENT, runProgram } from "../../../../../components/local/server/run-program";
import { postgresWithPgaudit } from "./pgaudit";

/** What a simulated Cloud SQL instance runs as. */
export interface SqlServer {
  /** Everything of it: data, certificates, socket, log. */
  readonly folder: string;
  /** A loopback address of its own: what the private address is in Google's network. */
  readonly address: string;
  /** PEM text of the authority of its certificate, which is for its DNS name only. */
  readonly ca: string;
}

const PORT = 5432;
const SUPERUSER = "cloudsqladmin";
const PROVIDER_DATABASE = "cloudsqladmin";
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Makes and starts a Postgres shaped like Cloud SQL's: the superuser belongs to the provider and cannot log in over the network, the owner of
 * `postgres` is `cloudsqlsuperuser`, who is no superuser; the database `cloudsqladmin` is open to PUBLIC by its ACL, and nobody is let into it.
 * Detached: it outlives the process that started it.
 *
 * Not as in Google's: pgaudit (pgaudit.ts), and that pg_stat_statements is in template0 already, where Cloud SQL lets
 * members of cloudsqlsuperuser make it.
 */
export async function createSqlServer({ id, dnsName, flags }: { readonly id: string; readonly dnsName: string; readonly flags: Readonly<Record<string, string>> }): Promise<SqlServer> {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-sql-"));
  chmodSync(folder, 0o755);
  const address = addressOf(`${folder} ${id}`);
  const data = join(folder, "data");
  const owner = chooseIdentities(folder, data).server;
  const binaries = findBinaries();
  const own = (path: string): void => void (owner && chownSync(path, owner.uid, owner.gid));
  for (const name of ["data", "socket"]) {
    mkdirSync(join(folder, name), { mode: 0o700 });
    own(join(folder, name));
  }
  const initdb = await runProgram(binaries.initdb, [`--pgdata=${data}`, `--username=${SUPERUSER}`, "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--auth=reject", "--no-instructions", "--no-sync"], { owner, timeoutMs: 60_000 });
  if (initdb.exitCode !== 0) throw new Error(`initdb: ${initdb.stderr}`);
  const tls = await createTls({ hostNames: [dnsName], addresses: [] }, validity(Date.now(), 30));
  for (const [name, text] of [["server.crt", tls.certificate], ["server.key", tls.key], ["pg_hba.conf", HBA], ["postgresql.conf", configuration(address, join(folder, "socket"), flags)]] as const) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    own(join(data, name));
  }
  await singleUser(data, owner, "template0", TEMPLATE_STATEMENTS);
  await singleUser(data, owner, "postgres", CLUSTER_STATEMENTS);
  const server = { folder, address, ca: tls.ca };
  await startSqlServer(server);
  return server;
}

/** Starts a stopped instance again. */
export async function startSqlServer({ folder }: Pick<SqlServer, "folder">): Promise<void> {
  const data = join(folder, "data");
  const owner = chooseIdentities(folder, data).server;
  const log = openSync(join(folder, "log"), "a");
  const child = spawn(postgresWithPgaudit(findBinaries(), folder), ["-D", data], { cwd: "/", env: PROGRAM_ENVIRONMENT, detached: true, stdio: ["ignore", log, log], ...owner });
  closeSync(log);
  child.unref();
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (readPidFile(data)?.status !== "ready") {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the simulated Cloud SQL did not start:\n${readFileSync(join(folder, "log"), "utf8").slice(-2000)}`);
    await delay(20);
  }
}

/** Ends it. Its folder stays. */
export async function stopSqlServer({ folder }: Pick<SqlServer, "folder">): Promise<void> {
  const pid = readPidFile(join(folder, "data"))?.pid;
  if (pid === undefined) return;
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(pid, name);
    } catch {
      return false;
    }
  };
  signal("SIGQUIT");
  while (signal(0)) {
    if (Date.now() > deadline) signal("SIGKILL");
    await delay(20);
    if (!existsSync(join(folder, "data", "postmaster.pid"))) break;
  }
}

export async function removeSqlServer(server: Pick<SqlServer, "folder">): Promise<void> {
  await stopSqlServer(server);
  rmSync(server.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** Runs statements as the provider's superuser, by a socket that only it can reach. */
export async function runAsProvider({ folder }: Pick<SqlServer, "folder">, database: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new Client({ host: join(folder, "socket"), port: PORT, user: SUPERUSER, database, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** What the Admin API does for `users.insert` and `.update`: LOGIN, CREATEROLE, CREATEDB and a member of cloudsqlsuperuser. */
export async function setBuiltInUser(server: Pick<SqlServer, "folder">, { name, password }: { readonly name: string; readonly password: string }): Promise<void> {
  const identifier = `"${name.replaceAll('"', '""')}"`;
  const literal = `'${password.replaceAll("'", "''")}'`;
  await runAsProvider(
    server,
    "postgres",
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name.replaceAll("'", "''")}') THEN CREATE ROLE ${identifier} LOGIN CREATEROLE CREATEDB; GRANT cloudsqlsuperuser TO ${identifier}; END IF; END $$`,
    `ALTER ROLE ${identifier} PASSWORD ${literal}`,
  );
}

/** The whole of 127.0.0.0/8 is this machine on Linux. */
function addressOf(seed: string): string {
  const [a, b, c] = createHash("sha256").update(seed).digest();
  return `127.${1 + (a! % 250)}.${b!}.${1 + (c! % 250)}`;
}

const HBA = [
  `local   all all                     reject`,
  `host    all ${SUPERUSER} all        reject`,
  `host    ${PROVIDER_DATABASE} all all reject`,
  "hostssl all all         127.0.0.0/8 scram-sha-256",
  "host    all all         all         reject",
  "",
].join("\n").replace("local   all all ", `local   all ${SUPERUSER} trust\nlocal   all all `);

/** Flags that plain Postgres knows are set as they are; `cloudsql.*` and pgaudit's are Google's own. */
function configuration(address: string, socketFolder: string, flags: Readonly<Record<string, string>>): string {
  const known = Object.entries(flags).filter(([name]) => !name.startsWith("cloudsql.") && !name.startsWith("pgaudit."));
  const settings: readonly (readonly [string, string])[] = [
    ["listen_addresses", address], ["port", String(PORT)], ["unix_socket_directories", socketFolder], ["unix_socket_permissions", "0700"],
    ["ssl", "on"], ["ssl_cert_file", "server.crt"], ["ssl_key_file", "server.key"], ["password_encryption", "scram-sha-256"],
    ["shared_preload_libraries", "pg_stat_statements"], ["pg_stat_statements.track_utility", "off"], ["max_connections", "200"], ["shared_buffers", "32MB"],
    ["fsync", "off"], ["synchronous_commit", "off"], ["full_page_writes", "off"], ["max_wal_senders", "0"], ["authentication_timeout", "15s"], ["log_timezone", "UTC"], ["timezone", "UTC"],
    ...known,
  ];
  return settings.map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`).join("");
}

const TEMPLATE_STATEMENTS = [
  "CREATE ROLE cloudsqlsuperuser NOLOGIN CREATEROLE CREATEDB",
  "CREATE SCHEMA extensions",
  "CREATE EXTENSION pg_stat_statements SCHEMA extensions",
  "REVOKE ALL ON ALL TABLES IN SCHEMA extensions FROM PUBLIC",
  "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA extensions FROM PUBLIC",
  "GRANT USAGE, CREATE ON SCHEMA extensions TO cloudsqlsuperuser WITH GRANT OPTION",
  "GRANT SELECT ON ALL TABLES IN SCHEMA extensions TO cloudsqlsuperuser WITH GRANT OPTION",
  "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA extensions TO cloudsqlsuperuser WITH GRANT OPTION",
];
const CLUSTER_STATEMENTS = [
  "GRANT pg_monitor, pg_signal_backend, pg_read_all_stats TO cloudsqlsuperuser WITH ADMIN TRUE, INHERIT TRUE",
  "ALTER DATABASE postgres OWNER TO cloudsqlsuperuser",
  "ALTER DATABASE template1 OWNER TO cloudsqlsuperuser",
  `CREATE DATABASE ${PROVIDER_DATABASE}`,
];

async function singleUser(data: string, owner: { uid: number; gid: number } | undefined, database: string, statements: readonly string[]): Promise<void> {
  const input = [...statements, "SELECT 'all statements ran' AS marker"].map((statement) => `${statement};\n\n`).join("");
  const result = await runProgram(findBinaries().postgres, ["--single", "-j", "-D", data, "-c", "exit_on_error=on", database], { owner, input, timeoutMs: 60_000 });
  if (result.exitCode !== 0 || !result.stdout.includes('"all statements ran"')) throw new Error(`setting up the simulated Cloud SQL: ${result.stderr.slice(-2000)}`);
}
