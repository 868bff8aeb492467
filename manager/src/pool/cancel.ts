import { Connection as ProtocolConnection } from "pg";
import type { Client } from "pg";
import type { ClientInternals } from "./connection";

/** How long a CancelRequest may take, connecting included, in milliseconds. */
const CANCEL_TIMEOUT_MS = 1000;

interface CancelConnection {
  readonly stream: { destroy(): void };
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: "connect" | "sslconnect" | "error" | "end", listener: () => void): void;
}

/**
 * Asks the server to stop what a client is running, over a socket of its own, encrypted as the client's is. Never rejects.
 *
 * @returns whether the server took the request within a second. It does not answer; it takes it and hangs up. False hence means that the server cannot be reached.
 */
export function cancelBackend(client: Client, stream: unknown): Promise<boolean> {
  const { connection, processID, secretKey } = client as unknown as ClientInternals;
  if (connection === undefined || typeof processID !== "number" || typeof secretKey !== "number") return Promise.resolve(false);
  const ssl = connection.ssl;
  const config = { ssl, sslNegotiation: connection.sslNegotiation, ...(typeof stream === "function" ? { stream } : {}) };
  return new Promise((resolve) => {
    const wire = new ProtocolConnection(config as never) as unknown as CancelConnection;
    let sent = false;
    const finish = (taken: boolean): void => {
      clearTimeout(timer);
      wire.stream.destroy();
      resolve(taken);
    };
    const timer = setTimeout(() => finish(false), CANCEL_TIMEOUT_MS);
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
    // The server may reset instead of closing: the request was read by then.
    wire.on("error", () => finish(false));
    wire.on("end", () => finish(sent));
    if (client.host.startsWith("/")) wire.connect(`${client.host}/.s.PGSQL.${client.port}`);
    else wire.connect(client.port, client.host);
  });
}
