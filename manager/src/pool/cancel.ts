import { Connection as ProtocolConnection } from "pg";
import type { Client } from "pg";
import { destroySocket } from "./connection";
import type { ClientInternals, Connection } from "./connection";
import { PoolError } from "./errors";

/** How long a CancelRequest may take, connecting included, in milliseconds. */
const CANCEL_TIMEOUT_MS = 1000;

interface CancelConnection {
  readonly stream: { destroy(): void };
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: "connect" | "sslconnect" | "end", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}

/**
 * Asks the server to stop what a client is running, over a socket of its own, encrypted as the client's is. Never rejects.
 *
 * @returns undefined where the server took the request within a second: it does not answer, it takes it and hangs up. Else why the server cannot be reached.
 */
export function cancelBackend(client: Client, stream: unknown): Promise<Error | undefined> {
  const { connection, processID, secretKey } = client as unknown as ClientInternals;
  if (connection === undefined || typeof processID !== "number" || typeof secretKey !== "number") return Promise.resolve(new Error("the client does not tell which backend it has"));
  const ssl = connection.ssl;
  const config = { ssl, sslNegotiation: connection.sslNegotiation, ...(typeof stream === "function" ? { stream } : {}) };
  return new Promise((resolve) => {
    const wire = new ProtocolConnection(config as never) as unknown as CancelConnection;
    let sent = false;
    const finish = (error: Error | undefined): void => {
      clearTimeout(timer);
      wire.stream.destroy();
      resolve(error);
    };
    const late = (): void => finish(new PoolError("POOL_CONNECT_TIMEOUT", `The server did not take a CancelRequest within ${CANCEL_TIMEOUT_MS} ms.`));
    const timer = setTimeout(late, CANCEL_TIMEOUT_MS);
    timer.unref();
    const send = (): void => {
      sent = true;
      wire.cancel(processID, secretKey);
    };
    wire.on("connect", () => {
      if (!ssl) send();
      else if (connection.sslNegotiation !== "direct") wire.requestSsl();
    });
    wire.on("sslconnect", send);
    wire.on("error", (error) => finish(error));
    wire.on("end", () => finish(sent ? undefined : new Error("Connection terminated unexpectedly")));
    if (client.host.startsWith("/")) wire.connect(`${client.host}/.s.PGSQL.${client.port}`);
    else wire.connect(client.port, client.host);
  });
}

/**
 * Ends what runs on a connection: its caller gets `error` at once, its backend a CancelRequest. The socket lives until that was taken, for a second at most: PgBouncer finds the
 * backend by the client's own connection. Never rejects.
 *
 * @returns as `cancelBackend`
 */
export function cutOff(connection: Connection, error: Error, stream: unknown): Promise<Error | undefined> {
  if (connection.cancelling !== undefined) return connection.cancelling;
  const { client, internals } = connection;
  connection.broken ??= error;
  connection.cancelling = cancelBackend(client, stream).finally(() => destroySocket(client, error));
  // What pg does when a socket fails: every query ends with the error, and no other is taken.
  process.nextTick(() => internals.connection?.emit("error", error));
  return connection.cancelling;
}
