import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { clientConfig, closeSession, withSession } from "../../manager/src/postgres/connect";
import { AGREED_DATABASE } from "../../manager/src/provision/read-cluster";
import type { DatabaseSecret, Endpoint } from "../../manager/src/secrets/secret";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { readLogin } from "../lib/login";
import { simpleShell } from "../lib/simple-shell";

/** A psql session in a service's database: as its read-only login, or with `write` as the login of the service itself. */
export async function shell(context: CommandContext, { write = false }: { write?: boolean }, service: string): Promise<ExitCode> {
  const secret = await readLogin(context, service, write ? "app" : "readonly");
  const { endpoint, openSession } = await context.target.openAccess(context);
  // Says clearly where no session can be had from here; psql would only fail to find the host.
  await closeSession(await openSession(AGREED_DATABASE));
  const code = await withCaFile(endpoint, (caPath) => runPsql(secret, caPath));
  if (code !== undefined) return code === 0 ? EXIT.done : EXIT.failed;
  context.progress("psql is not installed; this is Bulkhead's own simple shell. Statements end with ;  Ctrl-D or \\q leaves");
  await withSession(clientConfig(secret, "bulkhead shell"), (client) => simpleShell(client, secret.dbname, context.signal));
  return EXIT.done;
}

/** The file with the server's authority: the target's own, or for as long as `use` takes one of ours, where the target's is on other machines. */
async function withCaFile<T>({ ca, caPath }: Endpoint, use: (caPath: string) => Promise<T>): Promise<T> {
  if (existsSync(caPath)) return use(caPath);
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-ca-"));
  try {
    const path = join(folder, "ca.crt");
    await writeFile(path, ca, { mode: 0o600 });
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns psql's exit code, or undefined where there is no psql */
function runPsql({ host, port, dbname, username, password, reach }: DatabaseSecret, caPath: string): Promise<number | undefined> {
  // The user's own PG* variables are for other servers. The password goes by the environment, which no process list shows.
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PG")));
  const connection = { PGHOST: host, PGPORT: String(reach?.port ?? port), ...(reach && { PGHOSTADDR: reach.host }), PGDATABASE: dbname, PGUSER: username, PGPASSWORD: password, PGSSLMODE: "verify-full", PGSSLROOTCERT: caPath, PGAPPNAME: "bulkhead shell" };
  return new Promise((resolve, reject) => {
    // Ctrl-C cancels the statement in psql, and must not end this process before psql.
    const ignore = (): void => {};
    process.on("SIGINT", ignore);
    const child = spawn("psql", [], { stdio: "inherit", env: { ...own, ...connection } });
    const done = (): void => void process.off("SIGINT", ignore);
    child.once("error", (error: NodeJS.ErrnoException) => {
      done();
      if (error.code === "ENOENT") resolve(undefined);
      else reject(error);
    });
    child.once("exit", (code) => {
      done();
      resolve(code ?? 1);
    });
  });
}
