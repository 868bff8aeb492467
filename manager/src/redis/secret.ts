import { generatePassword, isGeneratedPassword } from "../secrets/secret";
import type { StoreEndpoint, StoreSecret } from "../stores/store-secret";
import { REDIS_ADMIN, redisScope } from "./acl";

/** A login's secret for a server at `endpoint`. `scope`: what its keys begin with; empty where the server is its own. */
export function makeRedisSecret({ host, port, ca }: StoreEndpoint, { username, password, scope }: { readonly username: string; readonly password: string; readonly scope: string }): StoreSecret {
  const address = host.includes(":") ? `[${host}]` : host;
  return { host, port, ca, username, password, scope, url: `rediss://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${address}:${port}` };
}

/** The secret that a service should have: with its password where that is one we made, else with a new one. */
export function serviceSecret(endpoint: StoreEndpoint, service: string, last: StoreSecret | undefined): StoreSecret {
  return makeRedisSecret(endpoint, { username: service, password: keptPassword(service, last), scope: redisScope(service) });
}

/** The same for the admin, who has every key. */
export function adminSecret(endpoint: StoreEndpoint, last: StoreSecret | undefined): StoreSecret {
  return makeRedisSecret(endpoint, { username: REDIS_ADMIN, password: keptPassword(REDIS_ADMIN, last), scope: "" });
}

/** A password that we did not make may be guessable, and its hash stands in a file that others may read; one of another user's secret is that user's too. */
function keptPassword(username: string, last: StoreSecret | undefined): string {
  return last?.username === username && isGeneratedPassword(last.password) ? last.password : generatePassword();
}

export function sameSecret(a: StoreSecret, b: StoreSecret | undefined): boolean {
  return b !== undefined && (Object.keys(a) as (keyof StoreSecret)[]).every((field) => a[field] === b[field]);
}
