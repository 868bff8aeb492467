import { buildDatabaseUrl } from "../../manager/src/url";
import type { SecretLogin } from "../../manager/src/secrets/secret";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { readLogin } from "../lib/login";
import { UsageError } from "../lib/usage-error";

/** Prints a connection URI that libpq and what is built on it take: one of the two commands that show a password. */
export async function conn(context: CommandContext, { role = "app", admin = false }: { role?: SecretLogin; admin?: boolean }, service?: string): Promise<ExitCode> {
  if (admin === (service !== undefined)) throw new UsageError("USAGE", "name a service, or say --admin", { hint: "npx bulkhead conn auth" });
  const { endpoint, admin: adminSecret } = await context.target.openAccess(context);
  const secret = service === undefined ? adminSecret : await readLogin(context, service, role);
  const { host, port, dbname, username, password } = secret;
  // Not the secret's own url: that may carry parameters for the service's library, which libpq refuses.
  const url = buildDatabaseUrl({ hosts: [{ host, port }], user: username, password, database: dbname, params: { sslmode: "verify-full", sslrootcert: endpoint.caPath } });
  context.output.result({ version: 1, service: service ?? null, role: service === undefined ? "admin" : role, host, port, dbname, username, password, sslmode: "verify-full", sslrootcert: endpoint.caPath, url }, url);
  return EXIT.done;
}
