import type { IncomingMessage, ServerResponse } from "node:http";
import { classifyError } from "../errors/classify";
import { SessionError } from "./errors";
import type { DatabaseManager } from "./manager";
import type { SessionOptions } from "./options";
import { RequestScope } from "./request-scope";
import type { Session } from "./session";

/** Status codes from here on are failures: the request's session is rolled back. */
const FIRST_FAILURE = 400;

/** A request as node:http and Express have it, or as Fastify wraps it. */
export type AnyRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** What of Fastify's types is needed here, so that this package needs no Fastify. */
interface FastifyReplyLike {
  readonly statusCode: number;
  readonly raw: ServerResponse;
}
type FastifyRequestLike = { readonly raw: IncomingMessage };
export interface FastifyLike {
  addHook(name: "onRequest", hook: (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void): unknown;
  addHook(name: "onSend", hook: (request: FastifyRequestLike, reply: FastifyReplyLike, payload: unknown) => Promise<unknown>): unknown;
}

/**
 * One session per request: opened when a handler first asks for it, committed before a response under 400 is sent, rolled back with any other, and
 * called off when the client goes away.
 *
 * The answer waits for COMMIT: a client never sees success of something that was not committed. Where it cannot wait, since the head was sent before (streams,
 * `writeHead`), a failed COMMIT cuts the connection.
 */
export class RequestSessions {
  readonly #scopes = new WeakMap<IncomingMessage, RequestScope>();

  /** @param options of each request's session; a function is asked at its first use */
  constructor(
    private readonly manager: DatabaseManager,
    private readonly options: SessionOptions | ((request: IncomingMessage) => SessionOptions) = {},
  ) {}

  /**
   * The session of a request.
   * @throws SessionError SESSION_ENDED after the response, and for a request that did not pass the middleware; and as `DatabaseManager.session`
   */
  of(request: AnyRequest): Promise<Session> {
    const scope = this.#scopes.get("raw" in request ? request.raw : request);
    return scope?.session() ?? Promise.reject(new SessionError("SESSION_ENDED", "The request has no session: it did not pass the middleware.", "Put app.use(sessions.middleware), or app.register(sessions.fastify), before the routes."));
  }

  /** For Express (`app.use(sessions.middleware)`) and node:http (`sessions.middleware(request, response, () => handle(request, response))`). */
  readonly middleware = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const scope = this.#begin(request, response);
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    let ending = false;
    const endWhenCommitted = (...args: unknown[]): ServerResponse => {
      if (!scope.used) return end(...args);
      if (ending) return response;
      ending = true;
      scope.finish(response.statusCode < FIRST_FAILURE).then(
        () => end(...args),
        (error: unknown) => answerNotCommitted(response, end, error),
      );
      return response;
    };
    response.end = endWhenCommitted as ServerResponse["end"];
    next();
  };

  /** A Fastify plugin: `app.register(sessions.fastify)`. A COMMIT that fails is an error of the request, which Fastify answers as it does others. */
  readonly fastify = Object.assign(
    (app: FastifyLike, _options: unknown, done: () => void): void => {
      app.addHook("onRequest", (request, reply, next) => {
        this.#begin(request.raw, reply.raw);
        next();
      });
      app.addHook("onSend", async (request, reply, payload) => {
        await this.#scopes.get(request.raw)?.finish(reply.statusCode < FIRST_FAILURE);
        return payload;
      });
      done();
    },
    // Fastify's sign for a plugin whose hooks are for the whole application and not only for itself.
    { [Symbol.for("skip-override")]: true },
  );

  #begin(request: IncomingMessage, response: ServerResponse): RequestScope {
    const { options } = this;
    const scope = new RequestScope(this.manager, () => (typeof options === "function" ? options(request) : options));
    this.#scopes.set(request, scope);
    // Comes after each response; one that was finished is not aborted by it.
    response.once("close", () => scope.abort());
    return scope;
  }
}

/** What the handler wrote must not go out: it speaks of something that did not happen, or may not have. */
function answerNotCommitted(response: ServerResponse, end: (...args: unknown[]) => unknown, error: unknown): void {
  if (response.headersSent) {
    response.destroy(error instanceof Error ? error : undefined);
    return;
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.statusCode = classifyError(error).retryable ? 503 : 500;
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  end(JSON.stringify({ error: (error as { code?: unknown }).code === "COMMIT_OUTCOME_UNKNOWN" ? "outcome unknown" : "not committed" }));
}
