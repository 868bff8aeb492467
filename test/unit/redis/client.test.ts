import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRedis, makeRedisSecret, redisHealth } from "../../../manager/src/redis";
import { reconnectDelayMs } from "../../../manager/src/redis/client";
import { parseStoreSecret } from "../../../manager/src/stores/store-secret";
import fc from "../../support/fast-check";

it("waits between attempts grow to their limit and never beyond, and are spread over half of it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 100, max: 60_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (times, maxMs, random) => {
      const delayMs = reconnectDelayMs(times, maxMs, random);
      expect(delayMs).toBeGreaterThanOrEqual(Math.min(50, maxMs / 2));
      expect(delayMs).toBeLessThanOrEqual(maxMs);
      expect(reconnectDelayMs(times + 1, maxMs, random)).toBeGreaterThanOrEqual(delayMs);
    }),
  );
});

it("without ioredis it says what to install", async () => {
  const secret = makeRedisSecret({ host: "localhost", port: 1, ca: "x" }, { username: "a", password: "b", scope: "a:" });
  await expect(createRedis({ secret, loadModule: () => Promise.reject(new Error("Cannot find module 'ioredis'")) })).rejects.toMatchObject({ code: "REDIS_CLIENT_MISSING", hint: "npm install ioredis" });
});

it("a secret that is not given, not there or not whole is an error with the way out, and nothing is connected", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-redis-secret-"));
  try {
    await expect(createRedis({})).rejects.toMatchObject({ code: "REDIS_SECRET_UNUSABLE" });
    await expect(createRedis({ secretFile: join(folder, "none.json") })).rejects.toMatchObject({ code: "REDIS_SECRET_UNUSABLE", hint: expect.stringContaining("npx bulkhead up") as string });
    writeFileSync(join(folder, "half.json"), '{"host": "local');
    await expect(createRedis({ secretFile: join(folder, "half.json") })).rejects.toMatchObject({ code: "REDIS_SECRET_UNUSABLE", message: expect.stringContaining("not whole") as string });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it.each([
  ["localhost", "rediss://a%3Ab:p%40ss%2Fw@localhost:6379"],
  ["::1", "rediss://a%3Ab:p%40ss%2Fw@[::1]:6379"],
])("a secret's URL leads to the same place with the same login: %s", (host, url) => {
  const secret = makeRedisSecret({ host, port: 6379, ca: "pem" }, { username: "a:b", password: "p@ss/w", scope: "" });
  expect(secret.url).toBe(url);
  expect(parseStoreSecret(JSON.stringify(secret))).toEqual(secret);
});

describe("health", () => {
  it("has a deadline of its own, and the rest is not waited for", async () => {
    expect(await redisHealth({ ping: () => new Promise(() => {}) }, { timeoutMs: 5 })).toEqual({ status: "unhealthy", ms: undefined, reason: "no answer within 5 ms" });
  });

  it("never rejects, and its reason holds no secret", async () => {
    const health = await redisHealth({ ping: () => Promise.reject(new Error("rediss://auth:hunter2@cache:6379 is gone")) });
    expect(health).toMatchObject({ status: "unhealthy", reason: expect.stringContaining("is gone") as string });
    expect(health.reason).not.toContain("hunter2");
  });
});
