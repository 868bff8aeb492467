import { clickHouseSecret, hashPassword } from "../../../../manager/src/clickhouse/secret";
import { CLICKHOUSE_HTTPS_PORT } from "../../../../manager/src/clickhouse/server-config";
import { generatePassword, isGeneratedPassword } from "../../../../manager/src/secrets/secret";
import type { StoreSecret } from "../../../../manager/src/stores/store-secret";
import type { GoogleClients } from "../../google/clients";
import { addVersion } from "../../google/secret-versions";
import type { storeSecretNames } from "../../secrets/secret-containers";
import { createAuthority, createServerPem, isUsableAuthority, isUsableServerPem } from "./certificate";
import type { Authority } from "./certificate";
import { readSecretText } from "./secret-text";
import { parseFields, secretFinding } from "./secret-fields";
import type { StoreSetup } from "../../../../manager/src/stores/store";

export interface ClickHouseSecretsOptions {
  readonly clients: GoogleClients;
  readonly names: ReturnType<typeof storeSecretNames>;
  /** Name that the certificate is for. */
  readonly host: string;
  /** Services that have a login. */
  readonly services: readonly string[];
  /** Milliseconds since 1970. Default: the clock. */
  readonly now?: () => number;
}

/**
 * The secrets of ClickHouse. Four kinds:
 * - `…-clickhouse-authority`, `{ca, key, setup}`, which only the setup reads. It signs the server's certificates, so that a new one of those, each
 *   year, is nothing that a service notices. `setup` is the token, written when all others are.
 * - `…-clickhouse-tls`, the server's key and certificate, for the machine;
 * - `…-<service>-clickhouse-hash`, the SHA-256 of the password, for the machine, which exchanges it within five minutes;
 * - `…-<service>-clickhouse`, a `StoreSecret`, for the service, for ClickHouse's HTTPS interface.
 */
export function clickHouseSecrets({ clients, names, host, services, now = Date.now }: ClickHouseSecretsOptions): StoreSetup {
  const loginFields = (service: string, password: string, { ca }: Authority): StoreSecret => clickHouseSecret({ host, port: CLICKHOUSE_HTTPS_PORT, ca }, service, password);
  const read = async (signal: AbortSignal | undefined) => {
    const text = (id: string) => readSecretText(clients, id, signal);
    const [authority, tls, ...logins] = await Promise.all([
      text(names.clickhouseAuthority),
      text(names.clickhouseTls),
      ...services.map(async (service) => {
        const [secret, hash] = await Promise.all([text(names.clickhouse(service)), text(names.clickhouseHash(service))]);
        return { service, secret, hash };
      }),
    ]);
    return { authority: parseAuthority(authority, now()), tls, logins };
  };

  return {
    async observe(signal) {
      const { authority, tls, logins } = await read(signal);
      if (authority === undefined) return { token: null, findings: [`the secret ${names.clickhouseAuthority} holds no authority that can sign`] };
      const findings = [
        ...(isUsableServerPem(tls ?? "", authority, host, now()) ? [] : [`the secret ${names.clickhouseTls} holds no certificate for ${host} that is good for two months`]),
        ...logins.flatMap(({ service, secret, hash }) => {
          const password = passwordOf(secret);
          const finding = password === undefined ? (secretFinding(names.clickhouse(service), secret, {}) ?? `the secret ${names.clickhouse(service)} has no generated password`) : secretFinding(names.clickhouse(service), secret, { ...loginFields(service, password, authority) });
          return [...(finding === undefined ? [] : [finding]), ...(password !== undefined && hash !== hashPassword(password) ? [`the secret ${names.clickhouseHash(service)} is not the hash of the password`] : [])];
        }),
        ...(authority.setup === null ? [`the setup of ClickHouse's secrets was not finished`] : []),
      ];
      return { token: findings.length === 0 ? authority.setup : null, findings };
    },

    async setUp(token, signal) {
      const written: string[] = [];
      const write = async (id: string, text: string): Promise<void> => {
        await addVersion(clients, id, text, signal);
        written.push(`wrote the secret ${id}`);
      };
      const { authority: found, tls, logins } = await read(signal);
      const authority = found ?? { ...(await createAuthority(host, now())), setup: null };
      // Without a token first: what is signed from here on must not outlive its authority's key in a crash.
      if (found === undefined) await write(names.clickhouseAuthority, JSON.stringify(authority));
      if (!isUsableServerPem(tls ?? "", authority, host, now())) await write(names.clickhouseTls, await createServerPem(authority, host, now()));
      for (const { service, secret, hash } of logins) {
        const kept = passwordOf(secret);
        const password = kept ?? generatePassword();
        const fields = loginFields(service, password, authority);
        // The service's own first: a crash before the hash leaves a password that the next run takes over.
        if (kept === undefined || secretFinding(names.clickhouse(service), secret, { ...fields }) !== undefined) await write(names.clickhouse(service), JSON.stringify(fields));
        if (hash !== hashPassword(password)) await write(names.clickhouseHash(service), hashPassword(password));
      }
      if (authority.setup !== token) await write(names.clickhouseAuthority, JSON.stringify({ ca: authority.ca, key: authority.key, setup: token }));
      return written;
    },
  };
}

function parseAuthority(text: string | undefined, now: number): (Authority & { readonly setup: string | null }) | undefined {
  const { ca, key, setup } = parseFields(text) ?? {};
  if (typeof ca !== "string" || typeof key !== "string" || !isUsableAuthority({ ca, key }, now)) return undefined;
  return { ca, key, setup: typeof setup === "string" && setup !== "" ? setup : null };
}

/** A password that was put there by hand may be guessable: it is none. */
function passwordOf(secret: string | undefined): string | undefined {
  const password = parseFields(secret)?.["password"];
  return typeof password === "string" && isGeneratedPassword(password) ? password : undefined;
}
