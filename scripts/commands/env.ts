import type { SecretLogin } from "../../manager/src/secrets/secret";
import { STORE_KINDS } from "../../manager/src/stores/store-secret";
import { loadCatalog } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { readLogin } from "../lib/login";

/** Prints what a service finds in its environment, as lines for a shell or a `.env` file: one of the two commands that show a password. */
export async function env(context: CommandContext, { role = "app" }: { role?: SecretLogin }, service: string): Promise<ExitCode> {
  const { host, port, dbname, username, password, url } = await readLogin(context, service, role);
  const { endpoint, storeSecrets } = await context.target.openAccess(context);
  const stores = await Promise.all(STORE_KINDS.map(async (kind) => [`${kind.toUpperCase()}_URL`, (await storeSecrets.readStore(service, kind))?.url] as const));
  const variables: Record<string, string> = {
    PORT: String(loadCatalog().services.find(({ name }) => name === service)!.port),
    DATABASE_URL: url,
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: dbname,
    PGUSER: username,
    PGPASSWORD: password,
    PGSSLMODE: "verify-full",
    PGSSLROOTCERT: endpoint.caPath,
    // node-postgres reads no PGSSLROOTCERT; Node takes its extra authorities from here.
    NODE_EXTRA_CA_CERTS: endpoint.caPath,
    ...Object.fromEntries(stores.flatMap(([name, url]) => (url === undefined ? [] : [[name, url]]))),
  };
  context.output.result({ version: 1, service, role, variables }, Object.entries(variables).map(([name, value]) => `${name}=${shellQuoted(value)}`).join("\n"));
  return EXIT.done;
}

/** Single quotes, which both a POSIX shell and dotenv leave alone. */
function shellQuoted(value: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
