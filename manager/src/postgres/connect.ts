import { createSecureContext } from "node:tls";
import type { SecureContext } from "node:tls";

import type { Client, ClientConfig } from "pg";

import type { DatabaseSecret } from "../secrets/secret";
import { ScramClient } from "./scram-client";

/** Covers name look-up, TCP, TLS and authentication of a set-up session. Unit: milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * What node-postgres needs to connect with a secret. Everything is named: nothing is left for node-postgres to take from PG* variables
 * of the environment.
 */
export function clientConfig(secret: Pick<DatabaseSecret, "host" | "port" | "dbname" | "username" | "password" | "ca" | "reach">, applicationName: string): ClientConfig {
  // @types/pg does not know the last two of these three.
  const keepFromEnvironment: ClientConfig & { replication: string; sslnegotiation: string } = {
    // A space is no option at all, but a value: with none, node-postgres would read PGOPTIONS. The others stand against PGREPLICATION and PGSSLNEGOTIATION.
    options: " ",
    replication: "false",
    sslnegotiation: "postgres",
  };
  return {
    ...keepFromEnvironment,
    host: (secret.reach ?? secret).host,
    port: (secret.reach ?? secret).port,
    database: secret.dbname,
    user: secret.username,
    password: secret.password,
    // The name is checked against the certificate, as libpq's verify-full does.
    ssl: { secureContext: secureContextOf(secret.ca), rejectUnauthorized: true, ...(secret.reach && { servername: secret.host }) },
    application_name: applicationName,
    client_encoding: "UTF8",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

let lastContext: { readonly ca: string; readonly context: SecureContext } | undefined;

/** Parsing the authority's certificate is a tenth of what a session costs, and a process hardly ever speaks to servers of two. */
function secureContextOf(ca: string): SecureContext {
  if (lastContext?.ca !== ca) lastContext = { ca, context: createSecureContext({ ca }) };
  return lastContext.context;
}

/** Opens a session, runs `use` in it, and closes it whatever happens. */
export async function withSession<T>(config: ClientConfig, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await openSession(config);
  try {
    return await use(client);
  } finally {
    await closeSession(client);
  }
}

/** An open session. The caller closes it with `closeSession`. */
export async function openSession(config: ClientConfig): Promise<Client> {
  const client = new ScramClient(config);
  // A session that dies between two queries emits an error that nobody awaits; the next query reports it.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    await closeSession(client);
    throw error;
  }
  return client;
}

/** Ends a session without waiting for a server that does not answer. */
export async function closeSession(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const giveUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 1_000);
  });
  await Promise.race([client.end().catch(() => {}), giveUp]);
  clearTimeout(timer);
}
