import { spawn } from "node:child_process";

import { clientConfig, withSession } from "../../manager/src/postgres/connect";
import type { DatabaseSecret } from "../../manager/src/secrets/secret";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { readLogin } from "../lib/login";
import { simpleShell } from "../lib/simple-shell";

/** A psql session in a service's database: as its read-only login, or with `write` as the login of the service itself. */
export async function shell(context: CommandContext, { write = false }: { write?: boolean }, service: string): Promise<ExitCode> {
  const secret = await readLogin(context, service, write ? "app" : "readonly");
  const { endpoint } = await context.target.openAccess(context);
  const code = await runPsql(secret, endpoint.caPath);
  if (code !== undefined) return code === 0 ? EXIT.done : EXIT.failed;
  context.progress("psql is not installed; this is Bulkhead's own simple shell. Statements end with ;  Ctrl-D or \\q leaves");
  await withSession(clientConfig(secret, "bulkhead shell"), (client) => simpleShell(client, secret.dbname, context.signal));
  return EXIT.done;
}

/** @returns psql's exit code, or undefined where there is no psql */
function runPsql({ host, port, dbname, username, password }: DatabaseSecret, caPath: string): Promise<number | undefined> {
  // The user's own PG* variables are for other servers. The password goes by the environment, which no process list shows.
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PG")));
  const connection = { PGHOST: host, PGPORT: String(port), PGDATABASE: dbname, PGUSER: username, PGPASSWORD: password, PGSSLMODE: "verify-full", PGSSLROOTCERT: caPath, PGAPPNAME: "bulkhead shell" };
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
