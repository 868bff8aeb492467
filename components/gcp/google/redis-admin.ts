import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { CallOptions, GoogleClients } from "./clients";

const PERMISSION = "redis.instances.get and redis.instances.getAuthString (roles/redis.admin has them)";

/** How a client gets into a Memorystore instance. */
export interface RedisLogin {
  /** The private address. */
  readonly host: string;
  /** 6378: with TLS. */
  readonly port: number;
  /** The AUTH string. */
  readonly password: string;
  /** The authorities that its certificate may be from, as PEM text: two while Google changes from one to the other. */
  readonly ca: string;
}

/**
 * Asks Memorystore how an instance is got into, as it is now: a fail-over or an AUTH string made anew changes that behind Pulumi's back.
 *
 * @param instance its full name, e.g. `projects/p/locations/europe-west1/instances/redis-backend-1a2b3c4`
 * @throws BulkheadError `REDIS_NOT_READY`, `REDIS_UNPROTECTED`, `GCP_…`
 */
export async function readRedisLogin(clients: GoogleClients, instance: string, signal?: AbortSignal): Promise<RedisLogin> {
  const name = instance.slice(instance.lastIndexOf("/") + 1);
  const options: CallOptions = { what: `asking how the Redis instance ${name} is got into`, permission: PERMISSION, signal };
  const [{ host, port, state, serverCaCerts }, { authString }] = await Promise.all([
    clients.rest<{ host?: string; port?: number; state?: string; serverCaCerts?: readonly { readonly cert?: string }[] }>("redis", { path: instance }, options),
    clients.rest<{ authString?: string }>("redis", { path: `${instance}/authString` }, options),
  ]);
  const { project } = clients.settings;
  if (!host || port === undefined) throw new BulkheadError("REDIS_NOT_READY", `the Redis instance ${name} is ${state ?? "in an unknown state"}, and has no address`, { hint: `gcloud redis instances list --region=${clients.settings.region} --project=${project}; when it is READY, run the same command again` });
  // In the order of their texts: Google promises none, and a secret is written anew when its text differs.
  const authorities = [...new Set((serverCaCerts ?? []).flatMap(({ cert }) => (cert === undefined ? [] : [`${cert.trim()}\n`])))].sort();
  if (!authString || authorities.length === 0) {
    throw new BulkheadError("REDIS_UNPROTECTED", `the Redis instance ${name} has ${authString ? "no TLS" : "no AUTH string"}: somebody switched that off`, { hint: "pulumi refresh, then npm run up: it is switched on again" });
  }
  return { host, port, password: authString, ca: authorities.join("") };
}
