import { isIP } from "node:net";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import type { StoreEndpoint } from "../stores/store-secret";
import { decodeReply, encodeCommand, RedisReplyError } from "./resp";
import type { Reply } from "./resp";

export interface RedisSessionOptions {
  readonly endpoint: StoreEndpoint;
  /** Without one, nobody is logged in. */
  readonly login?: { readonly username: string; readonly password: string };
  /** For the connection with its login, and again for each answer. Default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Ends the session. */
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 5_000;
/** No answer that setup or validation ask for is near this size: a line of `ACL LIST` is some kilobytes. */
const REPLY_MAX_BYTES = 16 << 20;

/**
 * One connection to Redis over TLS with the server's certificate and name verified, one command at a time: for setup and validation. Unlike a service's client it never connects again and never repeats a command: where
 * `MULTI` keeps what follows from happening, what follows must not arrive on another connection.
 */
export class RedisSession {
  private buffer = Buffer.alloc(0);
  private waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  private ended: BulkheadError | undefined;

  private constructor(
    private readonly socket: TLSSocket,
    private readonly where: string,
    private readonly timeoutMs: number,
  ) {
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("error", (error) => this.end(new BulkheadError("REDIS_CONNECTION_LOST", `the connection to Redis at ${where} broke: ${redact(messageOf(error))}`, { cause: error })));
    socket.on("close", () => this.end(new BulkheadError("REDIS_CONNECTION_LOST", `Redis at ${where} closed the connection`)));
  }

  /**
   * Connects and logs in.
   *
   * @throws BulkheadError `REDIS_UNREACHABLE`, `REDIS_LOGIN_REFUSED`, `REDIS_TIMEOUT`, `REDIS_CONNECTION_LOST`
   */
  static async open({ endpoint, login, timeoutMs = TIMEOUT_MS, signal }: RedisSessionOptions): Promise<RedisSession> {
    const where = `${endpoint.host}:${endpoint.port}`;
    const session = new RedisSession(await connectTls(endpoint, where, timeoutMs, signal), where, timeoutMs);
    if (signal !== undefined) session.endWith(signal);
    if (login === undefined) return session;
    try {
      await session.send("AUTH", login.username, login.password);
      return session;
    } catch (error) {
      session.close();
      if (!(error instanceof RedisReplyError)) throw error;
      throw new BulkheadError("REDIS_LOGIN_REFUSED", `Redis at ${where} refuses the login of ${login.username}: ${redact(error.message, [login.password])}`, { hint: "npx bulkhead up writes logins and secrets anew", cause: error });
    }
  }

  /** The TLS version, e.g. `TLSv1.3`. */
  get protocol(): string {
    return this.socket.getProtocol() ?? "none";
  }

  /**
   * Sends a command and waits for its answer.
   *
   * @throws RedisReplyError where Redis answers with an error
   * @throws BulkheadError `REDIS_TIMEOUT`, `REDIS_CONNECTION_LOST`; the session is over then
   */
  async send(...parts: readonly string[]): Promise<Reply> {
    if (this.ended !== undefined) throw this.ended;
    if (this.waiting !== undefined) throw new TypeError("one command at a time");
    const timer = setTimeout(() => this.end(new BulkheadError("REDIS_TIMEOUT", `Redis at ${this.where} did not answer ${parts[0]} within ${this.timeoutMs} ms`, { hint: "look what keeps it busy: npx bulkhead logs redis" })), this.timeoutMs);
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.waiting = { resolve, reject };
        this.socket.write(encodeCommand(parts));
      });
      if (reply instanceof RedisReplyError) throw reply;
      return reply;
    } finally {
      clearTimeout(timer);
      this.waiting = undefined;
    }
  }

  close(): void {
    this.end(new BulkheadError("REDIS_CONNECTION_LOST", `the session at ${this.where} is closed`));
  }

  private endWith(signal: AbortSignal): void {
    const abort = (): void => this.end(new BulkheadError("REDIS_CONNECTION_LOST", `the session at ${this.where} was called off`, { cause: signal.reason }));
    signal.addEventListener("abort", abort, { once: true });
    this.socket.once("close", () => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
  }

  private take(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    try {
      if (this.buffer.length > REPLY_MAX_BYTES) throw new TypeError(`the answer is longer than ${REPLY_MAX_BYTES} bytes`);
      const decoded = decodeReply(this.buffer);
      if (decoded === undefined) return;
      this.buffer = this.buffer.subarray(decoded.end);
      this.waiting?.resolve(decoded.reply);
    } catch (error) {
      this.end(new BulkheadError("REDIS_CONNECTION_LOST", `at ${this.where} ${messageOf(error)}`));
    }
  }

  private end(error: BulkheadError): void {
    this.ended ??= error;
    this.socket.destroy();
    this.waiting?.reject(this.ended);
  }
}

function connectTls({ host, port, ca }: StoreEndpoint, where: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ca, ...(isIP(host) === 0 && { servername: host }), minVersion: "TLSv1.2" });
    const fail = (why: string, cause?: unknown): void => {
      settle();
      socket.destroy();
      reject(new BulkheadError("REDIS_UNREACHABLE", `no connection to Redis at ${where}: ${redact(why)}`, { hint: "npx bulkhead status says what runs, npx bulkhead doctor what keeps it from running", cause }));
    };
    const onError = (error: Error): void => fail(messageOf(error), error);
    const onClose = (): void => fail("it was closed");
    const onAbort = (): void => fail("it was called off", signal?.reason);
    const timer = setTimeout(() => fail(`none within ${timeoutMs} ms`), timeoutMs);
    const settle = (): void => {
      clearTimeout(timer);
      socket.off("error", onError).off("close", onClose);
      signal?.removeEventListener("abort", onAbort);
      // A socket that is destroyed while it connects may still have an error to tell.
      socket.on("error", () => {});
    };
    socket.on("error", onError).on("close", onClose);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("secureConnect", () => {
      settle();
      resolve(socket);
    });
    if (signal?.aborted === true) onAbort();
  });
}
