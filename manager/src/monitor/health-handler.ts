import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ConnectionMonitor } from "./connection-monitor";
import { PROMETHEUS_CONTENT_TYPE } from "./prometheus-text";
import { renderPrometheus } from "./prometheus";

export interface HealthHandlerOptions {
  /** The monitors of all pools of the process. */
  readonly monitors: readonly ConnectionMonitor[];
  /**
   * Who may see the details: a token that the request carries as `Authorization: Bearer …`, or a function that decides. Without it nobody may. A function that throws or rejects
   * says no.
   */
  readonly details?: string | ((request: IncomingMessage) => boolean | Promise<boolean>);
  /** Whether `/metrics` needs the same. Default false: Prometheus reads it inside the network, and it holds no constant of any statement. */
  readonly guardMetrics?: boolean;
}

/** A handler for node:http; with `next`, a middleware of Express; with Fastify's request and reply, a handler of a Fastify route. */
export type HealthHandler = (request: IncomingMessage | { readonly raw: IncomingMessage }, response: ServerResponse | FastifyReplyLike, next?: unknown) => Promise<void>;

/** What is needed of Fastify's reply. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Serves, for GET and HEAD:
 *
 * - `/health/live`: 200 while the process answers. The database has no say: a restart would not bring it back.
 * - `/health/ready`: 200, or 503 while a database cannot be reached.
 * - `/health`: the worst status of all pools, `healthy`, `warning` or `critical`; 503 only as `/health/ready`.
 * - `/health/details`: reasons, windows, statements, slow queries, leaks, forecast. Guarded: 401 without the token, 403 where the function says no, 404 where no guard is set.
 * - `/metrics`: Prometheus' text.
 *
 * Other paths go to `next`, or are 404. Never rejects.
 */
export function healthHandler(options: HealthHandlerOptions): HealthHandler {
  return async (request, response, next) => {
    const incoming = "raw" in request ? request.raw : request;
    let outgoing: ServerResponse;
    if ("raw" in response) {
      response.hijack();
      outgoing = response.raw;
    } else {
      outgoing = response;
    }
    let answer: Answer | undefined;
    try {
      answer = await answerTo(incoming, options);
    } catch {
      answer = json(500, { error: "the health report could not be made" });
    }
    if (answer === undefined && typeof next === "function") {
      (next as () => void)();
      return;
    }
    send(outgoing, answer ?? json(404, { error: "not found" }), incoming.method === "HEAD");
  };
}

async function answerTo(request: IncomingMessage, options: HealthHandlerOptions): Promise<Answer | undefined> {
  const path = (request.url ?? "/").split("?", 1)[0];
  const answer = path === undefined || !Object.hasOwn(ANSWERS, path) ? undefined : ANSWERS[path];
  if (answer === undefined) return undefined;
  if (request.method !== "GET" && request.method !== "HEAD") return { ...json(405, { error: "only GET and HEAD" }), headers: { allow: "GET, HEAD" } };
  const guarded = path === "/health/details" || (path === "/metrics" && options.guardMetrics === true);
  return (guarded ? await refusal(request, options.details) : undefined) ?? answer(options.monitors);
}

const ANSWERS: Readonly<Record<string, (monitors: readonly ConnectionMonitor[]) => Answer | Promise<Answer>>> = {
  "/health/live": () => json(200, { status: "live" }),
  "/health/ready": (monitors) => {
    const ready = monitors.every((monitor) => monitor.getHealthStatus().ready);
    return json(ready ? 200 : 503, { status: ready ? "ready" : "not ready" });
  },
  "/health": (monitors) => {
    const reports = monitors.map((monitor) => monitor.getHealthStatus());
    const status = (["critical", "warning"] as const).find((level) => reports.some((report) => report.status === level)) ?? "healthy";
    return json(reports.every(({ ready }) => ready) ? 200 : 503, { status });
  },
  "/health/details": async (monitors) => {
    const pools = monitors.map(async (monitor) => ({
      health: monitor.getHealthStatus(),
      metrics: monitor.getMetrics(),
      forecast: monitor.forecast(),
      statements: (await monitor.getStatements()).slice(0, 50),
      slowQueries: monitor.getSlowQueries(),
      leaks: monitor.getLeaks(),
    }));
    return json(200, { version: 1, pools: await Promise.all(pools) });
  },
  "/metrics": async (monitors) => ({ status: 200, type: PROMETHEUS_CONTENT_TYPE, body: await renderPrometheus(monitors) }),
};

/** Undefined where the request may see what it asks for. */
async function refusal(request: IncomingMessage, guard: HealthHandlerOptions["details"]): Promise<Answer | undefined> {
  if (guard === undefined || guard === "") return json(404, { error: "not found" });
  if (typeof guard === "string") {
    const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (given !== undefined && sameText(given, guard)) return undefined;
    return { ...json(401, { error: "a token is needed" }), headers: { "www-authenticate": "Bearer" } };
  }
  const allowed = await Promise.resolve().then(() => guard(request)).catch(() => false);
  return allowed === true ? undefined : json(403, { error: "not allowed" });
}

/** Takes the same time wherever two texts differ, and whatever their lengths. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function json(status: number, body: unknown): Answer {
  return { status, type: "application/json; charset=utf-8", body: JSON.stringify(body) };
}

function send(response: ServerResponse, { status, type, body, headers = {} }: Answer, headOnly: boolean): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "content-type": type, "cache-control": "no-store", "content-length": Buffer.byteLength(body) });
  response.end(headOnly ? undefined : body);
}
