import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createTls } from "../../../components/certificates/tls-files";
import { redisStore } from "../../../manager/src/redis";
import { RedisSession } from "../../../manager/src/redis/session";
import type { Store, StoreSecretStore } from "../../../manager/src/stores/store";
import { startFaultProxy } from "../../support/fault-proxy";
import { startRedis } from "../../support/redis-server";
import type { TestRedis } from "../../support/redis-server";
import { describeEachRedis } from "./each-redis";

const signal = new AbortController().signal;

describeEachRedis("the users of a Redis", (program) => {
  let redis: TestRedis;
  let tokens = 0;

  beforeEach(async () => {
    redis = await startRedis(program);
  });

  afterEach(() => redis.dispose());

  const storeOf = (services: readonly string[] = ["auth", "auth2", "a-b"], more: { secrets?: StoreSecretStore; port?: number; ca?: string } = {}): Store => {
    const endpoint = { ...redis.endpoint, ...(more.ca !== undefined && { ca: more.ca }) };
    const readAdmin = async () => ({ ...(await redis.readAdmin())!, port: more.port ?? endpoint.port, ca: endpoint.ca });
    return redisStore({ services, endpoint, readAdmin, secrets: more.secrets ?? redis.secrets, aclPath: redis.aclPath });
  };
  const secretOf = async (service: string) => (await redis.secrets.readStore(service, "redis"))!;
  const sessionOf = async (service: string): Promise<RedisSession> => {
    const login = await secretOf(service);
    return RedisSession.open({ endpoint: login, login });
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
  /** Set up anew, and nothing is left to do. */
  const heals = async (store: Store, token: string): Promise<readonly string[]> => {
    const done = await store.setUp(token, signal);
    expect(await store.observe()).toEqual({ token, findings: [] });
    return done;
  };

  test("are made with a secret each, and stay over a restart and a kill; a second setup only leaves its token", async () => {
    const store = storeOf();
    expect((await store.observe()).token).toBeNull();
    expect(await heals(store, "one")).toEqual(expect.arrayContaining(["wrote the Redis secret of auth", "made the Redis user auth2", "made the Redis user a-b"]));
    for (const way of ["SIGTERM", "SIGKILL"] as const) {
      await redis.stop(way);
      await redis.start();
      expect(await store.observe()).toEqual({ token: "one", findings: [] });
    }
    expect(await heals(store, "two")).toEqual([expect.stringMatching(/^wrote the users of Redis to /)]);
    expect(await heals(store, "two")).toEqual([]);
  });

  test("grow by a service without anybody's connection being cut, and shrink with the service's", async () => {
    await heals(storeOf(["auth"]), "one");
    const [before, session] = [await secretOf("auth"), await sessionOf("auth")];
    await heals(storeOf(["auth", "auth2"]), "two");
    const added = await sessionOf("auth2");
    expect(await session.send("PING")).toBe("PONG");
    expect(await secretOf("auth")).toEqual(before);
    expect(await heals(storeOf(["auth"]), "three")).toContain("removed the Redis user auth2");
    expect(await session.send("PING")).toBe("PONG");
    await expect(added.send("PING")).rejects.toMatchObject({ code: "REDIS_CONNECTION_LOST" });
    session.close();
  });

  test.each<[string, (own: TestRedis) => void | Promise<unknown>, RegExp]>([
    ["a user's password was changed by hand", () => asAdmin("ACL", "SETUSER", "auth", "resetpass", ">by-hand"), /user auth is not as planned: password/],
    ["a user was given a second password", () => asAdmin("ACL", "SETUSER", "auth", ">by-hand"), /user auth is not as planned: password/],
    ["a user may see all keys", () => asAdmin("ACL", "SETUSER", "auth", "allkeys"), /user auth is not as planned: keys/],
    ["a user may read all keys by a selector", () => asAdmin("ACL", "SETUSER", "auth", "(~* +get)"), /user auth is not as planned: other rules/],
    ["a user may use one command more", () => asAdmin("ACL", "SETUSER", "auth", "+config|get"), /user auth is not as planned: commands/],
    ["a user was given everything", () => asAdmin("ACL", "SETUSER", "auth", "allkeys", "allchannels", "+@all", "nopass"), /user auth is not as planned: password, keys, channels, commands/],
    ["a user was switched off", () => asAdmin("ACL", "SETUSER", "auth", "off"), /user auth is not as planned: on or off/],
    ["a user was deleted", () => asAdmin("ACL", "DELUSER", "auth"), /user auth is missing/],
    ["somebody made a user", () => asAdmin("ACL", "SETUSER", "intruder", "on", "nopass", "~*", "+@all"), /user intruder that nobody planned/],
    ["default was switched on", () => asAdmin("ACL", "SETUSER", "default", "on", "nopass", "~*", "+@all"), /user default is not as planned/],
    ["the admin was given a second password", () => asAdmin("ACL", "SETUSER", "bulkhead_admin", ">by-hand"), /user bulkhead_admin is not as planned: password/],
    ["the ACL file was edited", (own) => writeFileSync(own.aclPath, readFileSync(own.aclPath, "utf8").replace("~auth:*", "~*")), /ACL file .* is not as it should be/],
    ["the ACL file was deleted", (own) => rmSync(own.aclPath), /ACL file .* is not as it should be/],
    ["a secret was lost", (own) => rmSync(join(own.folder, "secrets", "auth", "redis.json")), /secret of auth is lost/],
    ["a secret is half-written", (own) => writeFileSync(join(own.folder, "secrets", "auth", "redis.json"), '{"host": "lo'), /secret of auth is lost/],
    ["a secret's password was chosen by hand", async (own) => own.secrets.writeStore("auth", "redis", { ...(await secretOf("auth")), password: "hunter2" }), /secret of auth is not as it should be/],
    ["a secret is a copy of another service's", async (own) => own.secrets.writeStore("auth", "redis", await secretOf("auth2")), /secret of auth is not as it should be/],
    ["a secret leads elsewhere", async (own) => own.secrets.writeStore("auth", "redis", { ...(await secretOf("auth")), host: "elsewhere" }), /secret of auth is not as it should be/],
  ])("are found not to be as planned, and put right, where %s", async (_what, happen, finding) => {
    const store = storeOf();
    await heals(store, "one");
    await happen(redis);
    const found = await store.observe();
    expect(found.token).toBeNull();
    expect(found.findings).toEqual([expect.stringMatching(finding)]);
    await heals(store, "two");
    const session = await sessionOf("auth");
    await expect(session.send("GET", "auth2:x")).rejects.toThrow("NOPERM");
    expect(await session.send("SET", "auth:x", "1")).toBe("OK");
    session.close();
  });

  test("lose their sessions when they were not as planned: a widened one's, and an anonymous one's", async () => {
    const store = storeOf();
    await heals(store, "one");
    await asAdmin("ACL", "SETUSER", "auth", "+monitor");
    await asAdmin("ACL", "SETUSER", "default", "on", "nopass", "~*", "+@all");
    const [watcher, anonymous, bystander] = [await sessionOf("auth"), await RedisSession.open({ endpoint: redis.endpoint }), await sessionOf("auth2")];
    expect(await watcher.send("MONITOR")).toBe("OK");
    expect(await anonymous.send("PING")).toBe("PONG");
    await heals(store, "two");
    await expect(watcher.send("PING")).rejects.toThrow();
    await expect(anonymous.send("PING")).rejects.toThrow();
    expect(await bystander.send("PING")).toBe("PONG");
    bystander.close();
  });

  test("keep their logins when the admin's secret is lost: a start makes a new one", async () => {
    const store = storeOf();
    await heals(store, "one");
    rmSync(redis.adminPath);
    await expect(redisStore({ services: [], endpoint: redis.endpoint, readAdmin: redis.readAdmin, secrets: redis.secrets, aclPath: redis.aclPath }).observe()).rejects.toMatchObject({ code: "REDIS_ADMIN_MISSING" });
    await redis.stop();
    await redis.start();
    expect(await store.observe()).toEqual({ token: "one", findings: [] });
    const session = await sessionOf("auth");
    expect(await session.send("SET", "auth:x", "1")).toBe("OK");
    session.close();
  });

  test("survive an ACL file that somebody broke: the start keeps the lines that are Bulkhead's, the setup makes the rest", async () => {
    const store = storeOf();
    await heals(store, "one");
    writeFileSync(redis.aclPath, `${readFileSync(redis.aclPath, "utf8").replace("~auth2:*", "~*")}# a comment, which Redis does not take\nuser intruder on nopass ~* +@all\n`);
    await redis.stop();
    await redis.start();
    expect((await store.observe()).findings).toEqual(["the Redis user auth2 is missing", expect.stringMatching(/^the ACL file/)]);
    await heals(store, "two");
  });

  test("are set up in a Redis that is full", async () => {
    const store = storeOf(["auth"]);
    await heals(store, "one");
    // Of one byte nothing would be left for clients, and they would be cut.
    await asAdmin("CONFIG", "SET", "maxmemory-clients", "0");
    await asAdmin("CONFIG", "SET", "maxmemory", "1");
    const session = await sessionOf("auth");
    await expect(session.send("SET", "auth:x", "1")).rejects.toThrow(/^OOM/);
    session.close();
    await asAdmin("ACL", "SETUSER", "auth", "allkeys");
    await heals(storeOf(["auth", "auth2"]), "two");
  });

  test("are whole after a setup that was killed at any of its writes, once it ran again", async () => {
    for (const allowed of [0, 1, 2]) {
      let left = allowed;
      const writeStore = (...args: Parameters<StoreSecretStore["writeStore"]>): Promise<void> => (left-- > 0 ? redis.secrets.writeStore(...args) : Promise.reject(new Error("killed")));
      await expect(storeOf([`s${allowed}-a`, `s${allowed}-b`, `s${allowed}-c`], { secrets: { ...redis.secrets, writeStore } }).setUp("dead", signal)).rejects.toThrow("killed");
      await heals(storeOf([`s${allowed}-a`, `s${allowed}-b`, `s${allowed}-c`]), `alive-${allowed}`);
    }
  });

  test("are whole after the server was killed during the setup, wherever it was then", async () => {
    const store = storeOf();
    const answered = async (): Promise<number> => {
      const proxy = await startFaultProxy({ host: "127.0.0.1", port: redis.endpoint.port });
      await storeOf(undefined, { port: proxy.port }).setUp(`whole-${tokens++}`, signal).finally(() => proxy.stop());
      return proxy.serverChunks.reduce((sum, bytes) => sum + bytes, 0);
    };
    // The first also makes the users.
    await answered();
    const bytesOfSetUp = await answered();
    // Of its two connections one hears at least half of that.
    for (const part of [0.15, 0.3, 0.45]) {
      const bytes = Math.floor(bytesOfSetUp * part);
      const proxy = await startFaultProxy({ host: "127.0.0.1", port: redis.endpoint.port });
      try {
        // The connection goes after so many bytes of answers; and with it the server.
        await proxy.set({ kind: "data-limit", bytes });
        await expect(storeOf(undefined, { port: proxy.port }).setUp("dead", signal)).rejects.toMatchObject({ code: expect.stringMatching(/^REDIS_/) as string });
        await redis.stop();
      } finally {
        await proxy.stop();
      }
      await redis.start();
      await heals(store, `alive-${part}`);
    }
  });

  test("are whole after two setups at once, at the latest when the next ran", async () => {
    await Promise.allSettled([storeOf().setUp("left", signal), storeOf().setUp("right", signal), storeOf(["auth", "other"]).setUp("third", signal)]);
    await heals(storeOf(), "last");
    for (const service of ["auth", "auth2", "a-b"]) (await sessionOf(service)).close();
  });

  test("cannot be looked at while the server is down, and the error says what to type", async () => {
    await heals(storeOf(), "one");
    await redis.stop();
    await expect(storeOf().observe()).rejects.toMatchObject({ code: "REDIS_UNREACHABLE", message: expect.stringContaining(`localhost:${redis.endpoint.port}`) as string, hint: expect.stringContaining("npx bulkhead") as string });
  });

  test("are not asked of a server with another authority's certificate", async () => {
    const { ca } = await createTls({ hostNames: ["localhost"], addresses: [] });
    await expect(storeOf(undefined, { ca }).observe()).rejects.toMatchObject({ code: "REDIS_UNREACHABLE" });
  });

  test("are not waited for in a black hole, and a setup can be called off", async () => {
    const proxy = await startFaultProxy({ host: "127.0.0.1", port: redis.endpoint.port });
    try {
      await proxy.set({ kind: "black-hole" });
      const login = { ...(await redis.readAdmin())!, port: proxy.port };
      await expect(RedisSession.open({ endpoint: login, login, timeoutMs: 100 })).rejects.toMatchObject({ code: "REDIS_UNREACHABLE", message: expect.stringContaining("within 100 ms") as string });
      const controller = new AbortController();
      const setUp = storeOf(undefined, { port: proxy.port }).setUp("one", controller.signal);
      controller.abort();
      await expect(setUp).rejects.toMatchObject({ code: "REDIS_UNREACHABLE", message: expect.stringContaining("called off") as string });
      await proxy.clear();
      const session = await RedisSession.open({ endpoint: login, login, timeoutMs: 1_000 });
      await proxy.set({ kind: "black-hole" });
      await expect(session.send("PING")).rejects.toMatchObject({ code: "REDIS_TIMEOUT" });
      await expect(session.send("PING")).rejects.toMatchObject({ code: "REDIS_TIMEOUT" });
    } finally {
      await proxy.stop();
    }
  });
});
