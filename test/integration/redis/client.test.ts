import { rmSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import type { Redis } from "ioredis";

import { createTls } from "../../../components/certificates/tls-files";
import { classifyError } from "../../../manager/src/errors";
import { createRedis, redisHealth, redisStore } from "../../../manager/src/redis";
import { RedisSession } from "../../../manager/src/redis/session";
import type { StoreSecret } from "../../../manager/src/stores/store-secret";
import { startFaultProxy } from "../../support/fault-proxy";
import { startRedis } from "../../support/redis-server";
import type { TestRedis } from "../../support/redis-server";
import { describeEachRedis } from "./each-redis";


describeEachRedis("a service's client of Redis", (program) => {
  let redis: TestRedis;
  const clients: Redis[] = [];

  beforeEach(async () => {
    redis = await startRedis(program);
    await setUp("one");
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await redis.dispose();
  });

  const setUp = (token: string): Promise<readonly string[]> => redisStore({ services: ["auth"], endpoint: redis.endpoint, readAdmin: redis.readAdmin, secrets: redis.secrets, aclPath: redis.aclPath }).setUp(token, new AbortController().signal);
  const secretOf = async (): Promise<StoreSecret> => (await redis.secrets.readStore("auth", "redis"))!;
  const open = async (options: Parameters<typeof createRedis>[0]): Promise<Redis> => {
    const client = await createRedis<Redis>(options);
    clients.push(client);
    return client;
  };
  const asAdmin = async (...parts: string[]): Promise<unknown> => {
    const login = (await redis.readAdmin())!;
    const session = await RedisSession.open({ endpoint: login, login });
    try {
      return await session.send(...parts);
    } finally {
      session.close();
    }
  };
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  test("does what caches, locks, queues and buses need, under its prefix and nowhere else", async () => {
    const [client, subscriber] = [await open({ secret: await secretOf() }), await open({ secret: await secretOf() })];
    expect(await client.set("auth:lock", "me", "EX", 10, "NX")).toBe("OK");
    expect(await client.eval("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0", 1, "auth:lock", "me")).toBe(1);
    expect(await client.multi().incr("auth:n").expire("auth:n", 10).exec()).toEqual([[null, 1], [null, 1]]);
    await client.xgroup("CREATE", "auth:jobs", "workers", "$", "MKSTREAM");
    await client.xadd("auth:jobs", "*", "what", "mail");
    expect(await client.xreadgroup("GROUP", "workers", "one", "COUNT", 1, "STREAMS", "auth:jobs", ">")).toHaveLength(1);
    const heard = new Promise((resolve) => subscriber.once("message", (channel, message) => resolve([channel, message])));
    await subscriber.subscribe("auth:events");
    await client.publish("auth:events", "hello");
    expect(await heard).toEqual(["auth:events", "hello"]);
    expect(await redisHealth(client)).toMatchObject({ status: "healthy", ms: expect.any(Number) as number });
    // Each is listened to at once: they are refused in any order.
    const attempts = [client.get("other:x"), client.keys("*"), client.flushall(), client.config("GET", "dir"), client.info(), subscriber.psubscribe("*")];
    const refusals = await Promise.all(attempts.map((attempt: Promise<unknown>) => attempt.then(() => undefined, (error: unknown) => classifyError(error))));
    expect(refusals).toEqual(attempts.map(() => expect.objectContaining({ class: "permission", kind: "privilege-missing", retryable: false }) as object));
  });

  test("fails at once while the server is gone, repeats nothing, and is there again when it is", async () => {
    const errors: Error[] = [];
    const client = await open({ secret: await secretOf(), reconnectMaxMs: 50, onError: (error) => errors.push(error) });
    // In a script that runs too long, so it is under way when the server dies.
    const underWay = client.eval("redis.call('INCR', KEYS[1]) while true do end", 1, "auth:n").catch((error: unknown) => error);
    await redis.stop();
    expect(classifyError(await underWay)).toMatchObject({ class: "connection", retryable: true, connectionUsable: false });
    await until(() => client.status !== "ready");
    expect(classifyError(await client.get("auth:n").catch((error: unknown) => error))).toMatchObject({ class: "connection", retryable: true });
    expect((await redisHealth(client)).status).toBe("unhealthy");
    await until(() => errors.some((error) => classifyError(error).kind === "connect-refused"));
    await redis.start();
    await until(async () => (await redisHealth(client)).status === "healthy");
    expect(await client.get("auth:n")).toBeNull();
  });

  test("does not wait in a black hole: commands end in time, the dead connection is dropped, and another is made", async () => {
    const proxy = await startFaultProxy({ host: "127.0.0.1", port: redis.endpoint.port });
    try {
      const client = await open({ secret: { ...(await secretOf()), port: proxy.port }, commandTimeoutMs: 1_000, reconnectMaxMs: 50 });
      await client.set("auth:x", "1");
      await proxy.set({ kind: "black-hole" });
      expect(classifyError(await client.get("auth:x").catch((error: unknown) => error))).toMatchObject({ class: "timeout", retryable: false });
      await until(() => client.status !== "ready");
      await proxy.clear();
      await until(async () => (await redisHealth(client)).status === "healthy");
      expect(await client.get("auth:x")).toBe("1");
    } finally {
      await proxy.stop();
    }
  });

  test("takes up the new password of its file when the old one is refused", async () => {
    const secretFile = join(redis.folder, "secrets", "auth", "redis.json");
    const client = await open({ secretFile, reconnectMaxMs: 50 });
    const last = await secretOf();
    rmSync(secretFile);
    await setUp("two");
    expect((await secretOf()).password).not.toBe(last.password);
    await until(async () => (await redisHealth(client)).status === "healthy");
    expect(await client.set("auth:x", "1")).toBe("OK");
  });

  test("is refused with a wrong password at once, and the password is nowhere in the error", async () => {
    const password = "a-password-that-was-guessed-wrong";
    const error = await open({ secret: { ...(await secretOf()), password } }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "REDIS_LOGIN_REFUSED", hint: expect.stringContaining("npx bulkhead up") as string });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password);
    expect(classifyError(error)).toMatchObject({ class: "permission", kind: "login-failed", retryable: false });
  });

  test("does not start without a server, within its time; one that comes meanwhile is taken", async () => {
    await redis.stop();
    const error = await open({ secret: await secretOf(), startTimeoutMs: 1_000 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "REDIS_UNREACHABLE" });
    expect(classifyError(error)).toMatchObject({ class: "connection", kind: "connect-refused", retryable: true });
    const starting = open({ secret: await secretOf(), startTimeoutMs: 30_000, reconnectMaxMs: 50 });
    await redis.start();
    expect(await (await starting).ping()).toBe("PONG");
  });

  test("does not start at a server that is not the secret's", async () => {
    const { ca } = await createTls({ hostNames: ["localhost"], addresses: [] });
    const error = await open({ secret: { ...(await secretOf()), ca }, startTimeoutMs: 2_000 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "REDIS_UNREACHABLE" });
    expect(classifyError(error)).toMatchObject({ class: "configuration", retryable: false });
    const wrongName = await open({ secret: { ...(await secretOf()), host: "127.0.0.2" }, startTimeoutMs: 1_000 }).catch((thrown: unknown) => thrown);
    expect(wrongName).toMatchObject({ code: "REDIS_UNREACHABLE" });
  });

  test("may be given up at any moment of the handshake: no error is left over that nobody hears", async () => {
    const { ca } = await createTls({ hostNames: ["localhost"], addresses: [] });
    const secret = { ...(await secretOf()), ca };
    for (let startTimeoutMs = 1; startTimeoutMs <= 60; startTimeoutMs++) await expect(open({ secret, startTimeoutMs })).rejects.toMatchObject({ code: "REDIS_UNREACHABLE" });
  });

  test("knows a full Redis, which still reads and answers", async () => {
    const client = await open({ secret: await secretOf() });
    await client.set("auth:x", "1");
    await asAdmin("CONFIG", "SET", "maxmemory-clients", "0");
    await asAdmin("CONFIG", "SET", "maxmemory", "1");
    expect(classifyError(await client.set("auth:y", "1").catch((error: unknown) => error))).toMatchObject({ class: "resource", kind: "out-of-memory", retryable: false, connectionUsable: true });
    expect(await client.get("auth:x")).toBe("1");
    expect((await redisHealth(client)).status).toBe("healthy");
  });
});
