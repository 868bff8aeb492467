import type { IncomingMessage, ServerResponse } from "node:http";
import { IdentityError } from "./identity-error";
import type { Caller, Verifier } from "./verify-request";

/** Bodies up to this size are read to check their hash. 1 MiB. */
const BODY_MAX_BYTES = 1024 * 1024;
const BODY_TIMEOUT_MS = 30_000;

const callers = new WeakMap<object, Caller>();

/** Who sent a request that has passed the middleware (or, with Fastify, the hook); undefined for any other. Takes Node's, Express' and Fastify's request. */
export function callerOf(request: object): Caller | undefined {
  return callers.get(request) ?? ("raw" in request && typeof request.raw === "object" && request.raw !== null ? callers.get(request.raw) : undefined);
}

export interface MiddlewareOptions {
  /** Larger bodies are refused. Default 1,048,576 (1 MiB). Bytes. */
  readonly bodyMaxBytes?: number;
}

/** Express keeps the URL as received apart, since routers cut theirs. */
type Incoming = IncomingMessage & { readonly originalUrl?: string };

/**
 * Lets pass only requests whose caller is known and may call; answers the others with 401, 403, 413 or 503 and nothing but the code. For Express (`app.use(...)`, before anything
 * that reads the body) and `node:http` (call it with a `next`). The body is read to check its hash and put back, so what comes after reads it as ever.
 */
export function identityMiddleware(verifier: Verifier, options: MiddlewareOptions = {}): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    void admit(verifier, request, options).then((refusal) => {
      if (refusal === undefined) return next();
      response.writeHead(refusal.status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify({ error: refusal.code }));
    });
  };
}

/** What is used of Fastify's request and reply. */
interface FastifyRequestLike {
  readonly raw: IncomingMessage;
}
interface FastifyReplyLike {
  code(status: number): FastifyReplyLike;
  header(name: string, value: string): FastifyReplyLike;
  send(payload: unknown): unknown;
}

/** The same for Fastify: `app.addHook("onRequest", identityHook(verifier))`. */
export function identityHook(verifier: Verifier, options: MiddlewareOptions = {}): (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown> {
  return async (request, reply) => {
    const refusal = await admit(verifier, request.raw, options);
    if (refusal === undefined) return undefined;
    return reply.code(refusal.status).header("connection", "close").send({ error: refusal.code });
  };
}

/** Why a request is refused; undefined for one that may pass. */
async function admit(verifier: Verifier, request: Incoming, { bodyMaxBytes = BODY_MAX_BYTES }: MiddlewareOptions): Promise<IdentityError | undefined> {
  try {
    const caller = await verifier.verifyRequest({
      method: request.method ?? "",
      target: request.originalUrl ?? request.url ?? "",
      // Node joins some headers that come twice; the token's must be one.
      headers: Object.fromEntries(Object.entries(request.headersDistinct).map(([name, values = []]) => [name, values.length === 1 ? values[0] : values])),
      body: () => readAndPutBack(request, bodyMaxBytes),
    });
    callers.set(request, caller);
    return undefined;
  } catch (error) {
    return error instanceof IdentityError ? error : new IdentityError("IDENTITY_UNAVAILABLE", "the request could not be checked", { cause: error });
  }
}

/**
 * Reads the whole body and puts it back at the front of the stream, in the same turn in which its end is met: the stream then has not ended yet, and whoever comes next reads it from
 * its beginning (Node.js documentation, `readable.unshift`).
 */
function readAndPutBack(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  // Without a body the stream is left alone, so that whoever waits for its end still meets it.
  if (request.headers["transfer-encoding"] === undefined && Number(request.headers["content-length"] ?? 0) === 0) return Promise.resolve(new Uint8Array());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const timer = setTimeout(() => finish(new IdentityError("IDENTITY_BODY_UNREADABLE", `the body did not come within ${BODY_TIMEOUT_MS} ms`)), BODY_TIMEOUT_MS);
    const finish = (error?: IdentityError): void => {
      clearTimeout(timer);
      request.off("readable", take);
      request.off("error", broken);
      request.off("close", broken);
      if (error !== undefined) return reject(error);
      const body = Buffer.concat(chunks);
      if (body.length > 0) request.unshift(body);
      // Only after this turn is the stream free for another reader.
      setImmediate(() => resolve(body));
    };
    const broken = (): void => finish(new IdentityError("IDENTITY_BODY_UNREADABLE", "the body broke off"));
    const take = (): void => {
      for (let chunk = request.read() as Buffer | null; chunk !== null; chunk = request.read() as Buffer | null) {
        chunks.push(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) return finish(new IdentityError("IDENTITY_BODY_TOO_LARGE", `the body is larger than ${maxBytes} bytes`));
        if (request.complete && request.readableLength === 0) break;
      }
      if (request.complete && request.readableLength === 0) finish();
    };
    if (request.readableEnded || request.readableDidRead || request.destroyed) {
      return finish(new IdentityError("IDENTITY_BODY_UNREADABLE", "something read the body before its hash was checked", { hint: "put the identity middleware before what parses bodies" }));
    }
    request.on("error", broken);
    request.on("close", broken);
    request.on("readable", take);
    take();
  });
}
