import { connect } from "node:net";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { generatePassword } from "../secrets/secret";
import type { StoreSecret } from "../stores/store-secret";
import { RedisReplyError } from "./resp";
import { RedisSession } from "./session";

const TIMEOUT_MS = 5_000;

/**
 * Tries to get in without a login, and returns what was refused.
 *
 * @throws Error that says what was let in, or could not be tried
 */
export async function tryAnonymous(secret: StoreSecret, readAdmin: (() => Promise<StoreSecret | undefined>) | undefined, signal: AbortSignal | undefined): Promise<string> {
  await refusesWithoutLogin(secret, signal);
  await refusesLogin(secret, "default", "", signal);
  await refusesLogin(secret, "default", generatePassword(), signal);
  if (secret.username !== "default") await refusesLogin(secret, secret.username, generatePassword(), signal);
  await speaksNoPlainText(secret, signal);
  const admin = await readAdmin?.();
  if (admin !== undefined) await hasNoPlainPort(admin, signal);
  return `no login, default and a wrong password were refused, and the port speaks nothing but TLS${admin === undefined ? "" : ", as do all others"}`;
}

/** Nothing may be done before the login: neither the harmless nor what a stranger would come for. */
async function refusesWithoutLogin(secret: StoreSecret, signal: AbortSignal | undefined): Promise<void> {
  const session = await RedisSession.open({ endpoint: secret, signal });
  try {
    for (const parts of [["PING"], ["GET", `${secret.scope}bulkhead-validate`], ["ACL", "WHOAMI"]]) await mustAnswer(session, parts, "NOAUTH", "without a login");
  } finally {
    session.close();
  }
}

async function refusesLogin(secret: StoreSecret, username: string, password: string, signal: AbortSignal | undefined): Promise<void> {
  const session = await RedisSession.open({ endpoint: secret, signal });
  try {
    await mustAnswer(session, ["AUTH", username, password], "WRONGPASS", `${username} with ${password === "" ? "no" : "a wrong"} password`);
  } finally {
    session.close();
  }
}

async function mustAnswer(session: RedisSession, parts: readonly string[], code: string, who: string): Promise<void> {
  try {
    await session.send(...parts);
  } catch (error) {
    if (!(error instanceof RedisReplyError)) throw error;
    if (error.message.startsWith(code)) return;
    throw new Error(`${who}: ${parts[0]} fails for another reason than the missing login, which proves nothing: ${error.message}`, { cause: error });
  }
  throw new Error(`${who}: ${parts[0]} is allowed`);
}

/** What Redis answers to a `PING` without TLS begins with `+` or `-`; a TLS server sends an alert, or closes. */
function speaksNoPlainText({ host, port }: StoreSecret, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const done = (error?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => done(new Error("it was called off"));
    const timer = setTimeout(() => done(new Error(`without TLS: ${host}:${port} neither answered nor closed the connection within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    signal?.addEventListener("abort", onAbort, { once: true });
    let connected = false;
    socket.once("connect", () => {
      connected = true;
      socket.write("PING\r\n");
    });
    socket.once("data", (chunk) => done(/^[+-]/.test(chunk.toString("latin1")) ? new Error(`without TLS: Redis answers at ${host}:${port}`) : undefined));
    socket.once("close", () => done());
    socket.once("error", (error) => done(connected ? undefined : new Error(`without TLS: no connection to ${host}:${port}: ${messageOf(error)}`, { cause: error })));
    if (signal?.aborted === true) onAbort();
  });
}

/** There may be another port than the one that was tried. */
async function hasNoPlainPort(admin: StoreSecret, signal: AbortSignal | undefined): Promise<void> {
  const session = await RedisSession.open({ endpoint: admin, login: admin, signal });
  try {
    const answer = await session.send("CONFIG", "GET", "port");
    const port = Array.isArray(answer) ? String((answer as readonly unknown[])[1]) : "unknown";
    if (port !== "0") throw new BulkheadError("REDIS_PLAIN_PORT", `Redis also listens without TLS, on port ${port}`, { hint: "npx bulkhead down, then npx bulkhead up: it starts with its own redis.conf" });
  } finally {
    session.close();
  }
}
