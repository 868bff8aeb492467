import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import type { DatabaseManager, Session } from "../../../manager/src/sessions";
import { RequestSessions } from "../../../manager/src/sessions";
import { startPoolServer, until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { Managers, deferred } from "./support";

let server: TestServer;
let manager: DatabaseManager;
let sessions: RequestSessions;
const managers = new Managers();
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startPoolServer();
});
beforeEach(async () => {
  manager = await managers.make(server).open();
  await manager.query("DROP TABLE IF EXISTS notes");
  await manager.query("CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES notes DEFERRABLE INITIALLY DEFERRED)");
  sessions = new RequestSessions(manager, (request) => ({ operation: request.url ?? "" }));
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await managers.close();
});
afterAll(() => server?.stop());

const count = async (): Promise<number> => (await manager.query<{ n: number }>("SELECT count(*)::int AS n FROM notes")).rows[0]?.n ?? -1;

/** What every framework's handlers do, by path. */
async function work(path: string, session: () => Promise<Session>): Promise<number> {
  if (path === "/untouched") return 200;
  await (await session()).query("INSERT INTO notes (id) VALUES (1)");
  await (await session()).query("INSERT INTO notes (id) VALUES (2)");
  if (path === "/refused") await (await session()).query("UPDATE notes SET parent = 99");
  if (path === "/throws") throw new Error("handler");
  return path === "/fails" ? 422 : 201;
}

type Framework = (onWork?: () => void) => Promise<number>;

const listen = async (http: Server): Promise<number> => {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  stops.push(() => new Promise((resolve) => {
    http.closeAllConnections();
    http.close(resolve);
  }));
  return (http.address() as AddressInfo).port;
};

const hang = (): Promise<never> => new Promise(() => undefined);

const frameworks: Record<string, Framework> = {
  "node:http": (onWork) => {
    const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      try {
        response.statusCode = await work(request.url ?? "", () => sessions.of(request));
        if (request.url === "/hangs") {
          onWork?.();
          await hang();
        }
      } catch {
        response.statusCode = 500;
      }
      response.end("answer");
    };
    const listener: RequestListener = (request, response) => sessions.middleware(request, response, () => void handle(request, response));
    return listen(createServer(listener));
  },
  Express: (onWork) => {
    const app = express();
    app.use(sessions.middleware);
    app.use(async (request, response) => {
      response.status(await work(request.url, () => sessions.of(request)));
      if (request.url === "/hangs") {
        onWork?.();
        await hang();
      }
      response.send("answer");
    });
    // Express knows a handler of errors by its four parameters.
    // eslint-disable-next-line @typescript-eslint/no-unused-vars
    app.use(((_error, _request, response, _next) => void response.status(500).send("error")) as express.ErrorRequestHandler);
    return listen(createServer(app as RequestListener));
  },
  Fastify: async (onWork) => {
    const app = fastify();
    await app.register(sessions.fastify);
    app.get("/*", async (request, reply) => {
      const status = await work(request.url, () => sessions.of(request));
      if (request.url === "/hangs") {
        onWork?.();
        await hang();
      }
      return reply.code(status).send("answer");
    });
    await app.listen({ port: 0, host: "127.0.0.1", listenTextResolver: () => "" });
    stops.push(() => {
      app.server.closeAllConnections();
      return app.close();
    });
    return (app.server.address() as AddressInfo).port;
  },
};

const get = async (port: number, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
};

describe.each(Object.keys(frameworks))("with %s", (name) => {
  const start = (onWork?: () => void): Promise<number> => frameworks[name]!(onWork);

  test("both statements of a request are committed before the client has its answer", async () => {
    const port = await start();
    await expect(get(port, "/creates")).resolves.toEqual({ status: 201, text: "answer" });
    expect(await count()).toBe(2);
    expect(manager.metrics()).toMatchObject({ sessions: { started: 1, committed: 1 }, operations: { "/creates": { count: 1 } } });
  });

  test("a request that asks for no session opens none", async () => {
    const port = await start();
    await expect(get(port, "/untouched")).resolves.toEqual({ status: 200, text: "answer" });
    expect(manager.metrics().sessions.started).toBe(0);
  });

  test.each([["/fails", 422], ["/throws", 500]])("%s answers %i and leaves nothing", async (path, status) => {
    const port = await start();
    expect((await get(port, path)).status).toBe(status);
    expect(await count()).toBe(0);
    await until(() => manager.metrics().sessions.active === 0, "the session ended");
  });

  test("a COMMIT that is refused turns success into an error", async () => {
    const port = await start();
    const { status, text } = await get(port, "/refused");
    expect(status).toBe(500);
    expect(text).not.toContain("answer");
    expect(await count()).toBe(0);
  });

  test("a client that goes away takes its session with it", async () => {
    const working = deferred();
    const port = await start(() => working.resolve());
    const call = httpRequest({ host: "127.0.0.1", port, path: "/hangs" });
    call.on("error", () => undefined);
    call.end();
    await working.promise;
    call.destroy();
    await until(() => manager.metrics().sessions.aborted === 1, "the session was called off");
    expect(await count()).toBe(0);
  });
});

test("a head that was sent before cannot be taken back: a refused COMMIT cuts the connection", async () => {
  const port = await listen(createServer((request, response) => sessions.middleware(request, response, () => void (async () => {
    response.writeHead(200);
    response.write("half of it");
    await work("/refused", () => sessions.of(request));
    response.end();
  })())));
  await expect(get(port, "/refused")).rejects.toThrow();
});

test("the session of a request cannot be had after the response, or without the middleware", async () => {
  const late = deferred<unknown>();
  const port = await listen(createServer((request, response) => sessions.middleware(request, response, () => {
    response.on("close", () => void sessions.of(request).catch(late.resolve));
    response.end();
  })));
  await get(port, "/");
  expect(await late.promise).toMatchObject({ code: "SESSION_ENDED" });
  await expect(sessions.of({} as IncomingMessage)).rejects.toMatchObject({ code: "SESSION_ENDED" });
});
