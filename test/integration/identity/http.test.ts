import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { SignJWT, generateSecret } from "jose";
import { GoogleIdTokens, RequestVerifier, ServiceIdentity, callerOf, identityHook, identityMiddleware } from "../../../manager/src/identity";
import { catalog, keyStore } from "../../unit/identity/requests";

const BODY = JSON.stringify({ name: "Ada", text: "x".repeat(100_000) });
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function setUp() {
  const keys = await keyStore();
  return { verifier: new RequestVerifier({ service: "accounts", catalog, keys }), backend: new ServiceIdentity({ service: "backend", keys }), frontend: new ServiceIdentity({ service: "frontend", keys }) };
}

async function listen(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  }));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends the body in chunks without a content-length, or whole. */
async function send(url: string, headers: Record<string, string>, { method = "POST", body, chunked = false }: { method?: string; body?: string; chunked?: boolean } = {}) {
  const request = http.request(url, { method, headers: { "content-type": "application/json", ...headers, ...(body !== undefined && !chunked ? { "content-length": String(Buffer.byteLength(body)) } : {}) } });
  const answered = once(request, "response") as Promise<[http.IncomingMessage]>;
  if (body !== undefined && chunked) for (let at = 0; at < body.length; at += 30_000) request.write(body.slice(at, at + 30_000));
  request.end(chunked ? undefined : body);
  const [response] = await answered;
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

const SERVERS: Record<string, (verifier: RequestVerifier) => Promise<string>> = {
  "node:http": (verifier) => {
    const guard = identityMiddleware(verifier, { bodyMaxBytes: 200_000 });
    return listen((request, response) => guard(request, response, () => {
      let sizeBytes = 0;
      request.on("data", (chunk: Buffer) => (sizeBytes += chunk.length));
      request.on("end", () => response.end(`${callerOf(request)?.service} ${sizeBytes}`));
    }));
  },
  Express: (verifier) => {
    const app = express();
    const router = express.Router();
    router.use(identityMiddleware(verifier, { bodyMaxBytes: 200_000 }), express.json({ limit: "1mb" }));
    router.all("/users", (request, response) => void response.send(`${callerOf(request)?.service} ${request.body === undefined ? 0 : JSON.stringify(request.body).length}`));
    app.use("/v1", router);
    return listen(app);
  },
  Fastify: async (verifier) => {
    const app = fastify();
    app.addHook("onRequest", identityHook(verifier, { bodyMaxBytes: 200_000 }));
    app.all("/v1/users", async (request) => `${callerOf(request)?.service} ${request.body === undefined || request.body === null ? 0 : JSON.stringify(request.body).length}`);
    closers.push(() => app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
  },
};

describe.each(Object.keys(SERVERS))("behind %s", (kind) => {
  const start = async () => {
    const { verifier, backend, frontend } = await setUp();
    const url = `${await (SERVERS[kind] ?? SERVERS["node:http"]!)(verifier)}/v1/users?page=1`;
    return { verifier, backend, frontend, url };
  };

  test("a signed request passes, and its body is there for what comes next", async () => {
    const { backend, url } = await start();
    for (const chunked of [false, true]) {
      const headers = await backend.signRequest({ to: "accounts", method: "POST", url, body: BODY });
      expect(await send(url, headers, { body: BODY, chunked })).toEqual({ status: 200, text: `backend ${BODY.length}` });
    }
    expect(await send(url, await backend.signRequest({ to: "accounts", url }), { method: "GET" })).toEqual({ status: 200, text: "backend 0" });
  });

  test("fetch can be used to send it", async () => {
    const { backend, url } = await start();
    const answer = await fetch(url, { method: "POST", body: BODY, headers: { "content-type": "application/json", ...(await backend.signRequest({ to: "accounts", method: "POST", url, body: BODY })) } });
    expect([answer.status, await answer.text()]).toEqual([200, `backend ${BODY.length}`]);
  });

  test("a changed body, a replay, a caller who may not, and one without a token are refused, and told no more than the reason", async () => {
    const { verifier, backend, frontend, url } = await start();
    const headers = await backend.signRequest({ to: "accounts", method: "POST", url, body: BODY });
    expect(await send(url, headers, { body: BODY.replace("Ada", "Eve") })).toEqual({ status: 401, text: '{"error":"IDENTITY_BINDING"}' });
    expect((await send(url, headers, { body: BODY })).status).toBe(200);
    expect(await send(url, headers, { body: BODY })).toEqual({ status: 401, text: '{"error":"IDENTITY_REPLAY"}' });
    expect(await send(url, await frontend.signRequest({ to: "accounts", method: "POST", url, body: BODY }), { body: BODY })).toEqual({ status: 403, text: '{"error":"IDENTITY_FORBIDDEN"}' });
    expect((await send(url, {}, { method: "GET" })).status).toBe(401);
    expect(verifier.failures.counts()).toEqual({ IDENTITY_BINDING: 1, IDENTITY_REPLAY: 1, IDENTITY_FORBIDDEN: 1, IDENTITY_MISSING: 1 });
  });

  test("a body over the bound is refused", async () => {
    const { backend, url } = await start();
    const body = JSON.stringify("x".repeat(300_000));
    expect((await send(url, await backend.signRequest({ to: "accounts", method: "POST", url, body }), { body, chunked: true })).status).toBe(413);
  });
});

test("a body that something read before the middleware is this side's mistake and said to be one", async () => {
  const { verifier, backend } = await setUp();
  const app = express();
  app.use(express.json(), identityMiddleware(verifier));
  const url = await listen(app);
  const body = '{"a":1}';
  expect(await send(url, await backend.signRequest({ to: "accounts", method: "POST", url, body }), { body })).toEqual({ status: 500, text: '{"error":"IDENTITY_BODY_UNREADABLE"}' });
});

test("Google's ID tokens are asked for once, kept, and renewed before they run out", async () => {
  const secret = await generateSecret("HS256");
  let nowMs = Date.now();
  const asked: string[] = [];
  const metadataUrl = await listen((request, response) => {
    asked.push(`${request.headers["metadata-flavor"] as string} ${request.url}`);
    void new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setExpirationTime(Math.floor(nowMs / 1_000) + 3_600).sign(secret).then((token) => response.end(token));
  });
  const tokens = new GoogleIdTokens({ audience: "https://accounts.example", metadataUrl, now: () => nowMs });
  const [first, second] = await Promise.all([tokens.headers(), tokens.headers()]);
  expect(first).toEqual(second);
  expect(asked).toEqual(["Google /?audience=https%3A%2F%2Faccounts.example&format=full"]);
  nowMs += 3_500_000;
  await tokens.headers();
  expect(asked).toHaveLength(2);
});

test("without a metadata server the error says what is missing", async () => {
  const metadataUrl = await listen((_request, response) => void response.writeHead(404).end("no"));
  await expect(new GoogleIdTokens({ audience: "https://a.example", metadataUrl }).headers()).rejects.toMatchObject({ code: "IDENTITY_NO_TOKEN" });
});
