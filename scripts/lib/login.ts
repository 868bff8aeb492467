import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import type { DatabaseSecret, SecretLogin } from "../../manager/src/secrets/secret";
import { loadCatalog } from "./command-context";
import type { CommandContext } from "./command-context";
import { UsageError } from "./usage-error";

/**
 * The secret of a service's login, exactly as the service itself would read it.
 *
 * @throws BulkheadError `SERVICE_UNKNOWN`, `SERVICE_WITHOUT_DATABASE`, `SECRET_MISSING`, `TIER_NOT_RUNNING`
 */
export async function readLogin(context: CommandContext, service: string, login: SecretLogin): Promise<DatabaseSecret> {
  requireCompartment(service);
  const { secrets } = await context.target.openAccess(context);
  const secret = await secrets.read({ service, login });
  if (secret === undefined) throw new BulkheadError("SECRET_MISSING", `the ${login} secret of ${service} is missing or not whole (${secrets.reference({ service, login })})`, { hint: "npm run up (it makes a new one)" });
  return secret;
}

/** Refuses a name that is no service of the catalog, or one that has no database. */
export function requireCompartment(service: string): void {
  const { services } = loadCatalog();
  const found = services.find(({ name }) => name === service);
  const known = services.filter(({ database }) => database !== null).map(({ name }) => name);
  if (found === undefined) throw new UsageError("SERVICE_UNKNOWN", `there is no service ${JSON.stringify(service)} in services.ts; there is: ${known.join(", ")}`);
  if (found.database === null) throw new UsageError("SERVICE_WITHOUT_DATABASE", `service ${service} has no database, and so no login`, { hint: `choose one of ${known.join(", ")}` });
}
