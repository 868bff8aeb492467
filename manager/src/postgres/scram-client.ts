import { createHash, createHmac, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";

import { Client } from "pg";

const pbkdf2Async = promisify(pbkdf2);

/** The two keys that a login proves itself with; all of PBKDF2's work is in them (RFC 5802, section 3). */
interface ScramKeys {
  readonly clientKey: Buffer;
  readonly serverKey: Buffer;
}

/** What of node-postgres' client is used below and not in its types. All of it is looked at before it is used. */
interface Internals {
  readonly password: unknown;
  readonly saslSession: { readonly mechanism: string; readonly clientNonce: string; readonly scramMaxIterations: number; message: string; response: string; serverSignature: string } | null;
  readonly connection: { sendSCRAMClientFinalMessage(message: string): void; emit(event: "error", error: unknown): void };
  readonly enableChannelBinding?: boolean;
}

/** The admin's login, and those that validation and probes have under way at the same time. */
const MAX_KEPT = 16;

const kept = new Map<string, Promise<ScramKeys>>();

/**
 * node-postgres' client with a shorter way through SCRAM-SHA-256. RFC 5802 lets a client keep the keys that it derived from a password and
 * salt; with a session a database, deriving them anew (4096 rounds, and seven jobs in the thread pool) is over a third of what opening
 * one costs the client. Whatever is not the plain case goes node-postgres' own way, and so do all refusals.
 */
export class ScramClient extends Client {
  /** Overrides node-postgres' handler of AuthenticationSASLContinue; a version of it that has no such method does all by itself. */
  async _handleAuthSASLContinue(message: { readonly data: string }): Promise<void> {
    const { saslSession: session, password, connection, enableChannelBinding } = this as unknown as Internals;
    const challenge = readChallenge(message.data);
    const isPlain =
      session?.mechanism === "SCRAM-SHA-256" &&
      session.message === "SASLInitialResponse" &&
      enableChannelBinding !== true &&
      challenge !== undefined &&
      challenge.iterations <= session.scramMaxIterations &&
      challenge.nonce.startsWith(session.clientNonce) &&
      challenge.nonce.length > session.clientNonce.length &&
      // Other text would need SASLprep first.
      typeof password === "string" &&
      /^[\x21-\x7e]+$/.test(password);
    if (!isPlain) {
      await (Client.prototype as unknown as ScramClient)._handleAuthSASLContinue.call(this, message);
      return;
    }
    try {
      const { clientKey, serverKey } = await keysOf(password, challenge.salt, challenge.iterations);
      // "biws" is the base64 of "n,,": no channel binding.
      const withoutProof = `c=biws,r=${challenge.nonce}`;
      const authMessage = `n=*,r=${session.clientNonce},${message.data},${withoutProof}`;
      const signature = hmac(createHash("sha256").update(clientKey).digest(), authMessage);
      session.message = "SASLResponse";
      // node-postgres holds the server's answer against it.
      session.serverSignature = hmac(serverKey, authMessage).toString("base64");
      session.response = `${withoutProof},p=${Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString("base64")}`;
      connection.sendSCRAMClientFinalMessage(session.response);
    } catch (error) {
      connection.emit("error", error);
    }
  }
}

/** The server's first message; undefined where it is not exactly as RFC 5802 has it. */
function readChallenge(data: string): { nonce: string; salt: string; iterations: number } | undefined {
  const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9][0-9]{0,8})$/.exec(data);
  return match === null ? undefined : { nonce: match[1]!, salt: match[2]!, iterations: Number(match[3]) };
}

/** A promise is kept, so that sessions that open at once derive the keys once. */
function keysOf(password: string, salt: string, iterations: number): Promise<ScramKeys> {
  const key = `${iterations}:${salt}:${password}`;
  const keys = kept.get(key) ?? deriveKeys(password, salt, iterations);
  // What was used last goes to the end; the first of a Map is the one that was not used for longest.
  kept.delete(key);
  kept.set(key, keys);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
  return keys;
}

async function deriveKeys(password: string, salt: string, iterations: number): Promise<ScramKeys> {
  const salted = await pbkdf2Async(password, Buffer.from(salt, "base64"), iterations, 32, "sha256");
  return { clientKey: hmac(salted, "Client Key"), serverKey: hmac(salted, "Server Key") };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
