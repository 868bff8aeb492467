import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { healthHandler } from "../../../manager/src/monitor";
import type { HealthHandlerOptions } from "../../../manager/src/monitor";
import { Traffic } from "./traffic";

type Close = () => Promise<unknown>;

/** Each serves the handler and, beside it, a path of its own. */
const SERVERS: Readonly<Record<string, (options: HealthHandlerOptions) => Promise<{ url: string; close: Close }>>> = {
  async "node:http"(options) {
    const handler = healthHandler(options);
    const server = createServer((request, response) => {
      if (request.url === "/app") response.end("app");
      else void handler(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => new Promise((resolve) => server.close(resolve)) };
  },
  async Express(options) {
    const app = express();
    app.use(healthHandler(options));
    app.get("/app", (_request, response) => void response.send("app"));
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => new Promise((resolve) => server.close(resolve)) };
  },
  async Fastify(options) {
    const app = fastify();
    app.get("/app", async () => "app");
    app.all("/health", healthHandler(options));
    app.all("/health/*", healthHandler(options));
    app.all("/metrics", healthHandler(options));
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
};

describe.each(Object.entries(SERVERS))("healthHandler on %s", (_name, serve) => {
  let traffic: Traffic;
  let url: string;
  let close: Close;
  const get = async (path: string, init: RequestInit = {}): Promise<{ status: number; body: string; headers: Headers }> => {
    const response = await fetch(url + path, { ...init, headers: { ...init.headers, connection: "close" } });
    return { status: response.status, body: await response.text(), headers: response.headers };
  };
  const start = async (options: Omit<HealthHandlerOptions, "monitors"> = {}): Promise<void> => {
    traffic = new Traffic({ sqlParser: false });
    ({ url, close } = await serve({ monitors: [traffic.monitor, new Traffic({ name: "second", sqlParser: false }).monitor], ...options }));
  };
  afterEach(() => close());

  test("is live and ready; not ready, and still live, while the database is away", async () => {
    await start();
    expect(await get("/health/live")).toMatchObject({ status: 200, body: '{"status":"live"}' });
    expect(await get("/health/ready?probe=1")).toMatchObject({ status: 200, body: '{"status":"ready"}' });
    traffic.monitor.onDown(true);
    expect(await get("/health/live")).toMatchObject({ status: 200 });
    expect(await get("/health/ready")).toMatchObject({ status: 503, body: '{"status":"not ready"}' });
    expect(await get("/health")).toMatchObject({ status: 503, body: '{"status":"critical"}' });
  });

  test("the open status says no reason, and is 200 under mere pressure", async () => {
    await start();
    traffic.stats = { ...traffic.stats, inUse: 20, waiting: 5, effectiveMax: 20 };
    traffic.nowMs += 60_000;
    expect(await get("/health")).toMatchObject({ status: 200, body: '{"status":"critical"}' });
  });

  test("details are for those with the token", async () => {
    await start({ details: "correct horse" });
    const asked = (authorization: string): ReturnType<typeof get> => get("/health/details", { headers: { authorization } });
    expect(await get("/health/details")).toMatchObject({ status: 401 });
    for (const wrong of ["Bearer correct hors", "Bearer correct horse ", "Basic correct horse", "Bearer", "correct horse"]) {
      const answer = await asked(wrong);
      // A trailing space never arrives: it is not part of a header's value.
      expect(answer.status).toBe(wrong.endsWith(" ") ? 200 : 401);
    }
    const answer = await asked("Bearer correct horse");
    expect(JSON.parse(answer.body)).toMatchObject({ version: 1, pools: [{ health: { name: "orders", status: "healthy" }, forecast: { minutes: 0 } }, { health: { name: "second" } }] });
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("or for those that a function lets in; where it throws, for nobody", async () => {
    await start({
      details: async (request) => {
        if (request.headers["x-user"] === undefined) throw new Error("no session");
        return request.headers["x-user"] === "admin";
      },
    });
    expect((await get("/health/details", { headers: { "x-user": "admin" } })).status).toBe(200);
    expect((await get("/health/details", { headers: { "x-user": "guest" } })).status).toBe(403);
    expect((await get("/health/details")).status).toBe(403);
  });

  test("without a guard there are no details; metrics are there", async () => {
    await start();
    expect((await get("/health/details")).status).toBe(404);
    const metrics = await get("/metrics");
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(metrics.body).toContain('bulkhead_health{db_client_connection_pool_name="second"} 0\n');
  });

  test("metrics can be guarded too", async () => {
    await start({ details: "token", guardMetrics: true });
    expect((await get("/metrics")).status).toBe(401);
    expect((await get("/metrics", { headers: { authorization: "Bearer token" } })).status).toBe(200);
  });

  test("only GET and HEAD, and other paths are left to the application", async () => {
    await start();
    expect((await get("/health", { method: "POST" })).status).toBe(405);
    expect(await get("/health", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
    expect(await get("/app")).toMatchObject({ status: 200, body: "app" });
    expect((await get("/health/constructor")).status).toBe(404);
    expect((await get("/toString")).status).toBe(404);
  });
});
