import { makeRedisSecret } from "../../../../manager/src/redis/secret";
import type { GoogleClients } from "../../google/clients";
import { readRedisLogin } from "../../google/redis-admin";
import { addVersion } from "../../google/secret-versions";
import { readSecretText } from "./secret-text";
import { parseFields, secretFinding } from "./secret-fields";
import type { StoreSetup } from "../../../../manager/src/stores/store";

export interface RedisSecretOptions {
  readonly clients: GoogleClients;
  /** Full name of the instance. */
  readonly instance: string;
  /** Id of the service's secret. */
  readonly secret: string;
}

/**
 * The secret of a service's Redis, a StoreSecret and `setup`, the token: what Memorystore says, read from its API and from nowhere else, so that an AUTH string made anew there arrives here. Memorystore has no
 * users, so it is `default` who gets in, and an instance for each service, so its keys need no prefix: `scope` is empty.
 */
export function redisSecret({ clients, instance, secret }: RedisSecretOptions): StoreSetup {
  const look = async (signal: AbortSignal | undefined) => {
    const [{ password, ...endpoint }, text] = await Promise.all([readRedisLogin(clients, instance, signal), readSecretText(clients, secret, signal)]);
    const login = makeRedisSecret(endpoint, { username: "default", password, scope: "" });
    const setup = parseFields(text)?.["setup"];
    const token = typeof setup === "string" && setup !== "" ? setup : null;
    const finding = secretFinding(secret, text, { ...login }) ?? (token === null ? `the secret ${secret} is not from a setup` : undefined);
    return { login, token, finding };
  };
  return {
    async observe(signal) {
      const { token, finding } = await look(signal);
      return finding === undefined ? { token, findings: [] } : { token: null, findings: [finding] };
    },
    async setUp(token, signal) {
      const { login, token: last, finding } = await look(signal);
      if (finding === undefined && last === token) return [];
      await addVersion(clients, secret, JSON.stringify({ ...login, setup: token }), signal);
      return [`wrote the secret ${secret}`];
    },
  };
}
