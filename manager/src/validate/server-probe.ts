import { connect as connectTcp, isIP } from "node:net";
import type { Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, rootCertificates } from "node:tls";
import type { TLSSocket } from "node:tls";

import type { DatabaseSecret, ReachedAt } from "../secrets/secret";

/** First packet of a client that asks for TLS: length 8, then the code 80877103 (PostgreSQL documentation, 53.2.12 SSL Session Encryption). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const TIMEOUT_MS = 5_000;
/** A name that no certificate is made for (RFC 2606). */
const OTHER_HOST = "other.invalid";

/** What a client with verify-full thinks of the server's certificate. */
export interface CertificateFacts {
  /** Signed by the authority of the secret. */
  readonly trusted: boolean;
  /** Made for the host of the secret. */
  readonly namesHost: boolean;
  /** Accepted for a host that it is not made for. */
  readonly namesOtherHost: boolean;
  /** Accepted by a client that trusts another authority. */
  readonly trustedByOther: boolean;
  /** Why it is not trusted, in OpenSSL's words; undefined when it is. */
  readonly reason: string | undefined;
}

/** Shakes hands with the server twice, as clients with and without the right authority, and closes before any login. */
export async function probeCertificate({ host, port, ca, reach = { host, port } }: Pick<DatabaseSecret, "host" | "port" | "ca" | "reach">, signal?: AbortSignal): Promise<CertificateFacts> {
  const own = await withTls(reach, host, ca, signal, (socket) => {
    const certificate = socket.getPeerCertificate();
    return {
      trusted: socket.authorized,
      reason: socket.authorized ? undefined : String(socket.authorizationError),
      namesHost: checkServerIdentity(host, certificate) === undefined,
      namesOtherHost: checkServerIdentity(OTHER_HOST, certificate) === undefined,
    };
  });
  // Any authority that is not the tier's stands for all others.
  const trustedByOther = await withTls(reach, host, rootCertificates[0]!, signal, (socket) => socket.authorized);
  return { ...own, trustedByOther };
}

/** The same, asking a server once for each authority. */
export function rememberingProbe(signal?: AbortSignal): typeof probeCertificate {
  const asked = new Map<string, Promise<CertificateFacts>>();
  return ({ host, port, ca, reach }) => {
    const key = JSON.stringify([host, port, ca, reach]);
    const facts = asked.get(key) ?? probeCertificate({ host, port, ca, ...(reach && { reach }) }, signal);
    asked.set(key, facts);
    return facts;
  };
}

async function withTls<T>(address: ReachedAt, host: string, ca: string, signal: AbortSignal | undefined, look: (socket: TLSSocket) => T): Promise<T> {
  const tcp = connectTcp({ ...address, ...(signal && { signal }) });
  tcp.setTimeout(TIMEOUT_MS, () => tcp.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
  let tls: TLSSocket | undefined;
  try {
    await once(tcp, "connect");
    tcp.write(SSL_REQUEST);
    const answer = await once<Buffer>(tcp, "data");
    if (answer.toString("latin1") !== "S") throw new Error("the server offers no TLS");
    // The verdict is read from the socket: refusing here would hide why.
    tls = connectTls({ socket: tcp, host, ca, ...(isIP(host) === 0 && { servername: host }), rejectUnauthorized: false, checkServerIdentity: () => undefined });
    await once(tls, "secureConnect");
    return look(tls);
  } finally {
    tls?.destroy();
    tcp.destroy();
  }
}

function once<T = void>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the server closed the connection")));
  });
}
