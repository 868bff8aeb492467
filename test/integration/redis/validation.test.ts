import { createHash, randomBytes } from "node:crypto";

import { makeRedisSecret, redisStore, validateRedis } from "../../../manager/src/redis";
import { adminAttempts, foreignAttempts, WATCHING_ATTEMPTS } from "../../../manager/src/redis/attempts";
import { RedisSession } from "../../../manager/src/redis/session";
import type { Store } from "../../../manager/src/stores/store";
import type { Evidence } from "../../../manager/src/validate/report";
import { startRedis } from "../../support/redis-server";
import type { TestRedis } from "../../support/redis-server";
import { freePort } from "../../support/free-port";
import { describeEachRedis } from "./each-redis";

const SERVICES = ["a", "a-b", "auth", "auth2"];
const RULES = ["redis-access", "redis-no-foreign-keys", "redis-no-admin", "redis-no-anonymous"];

describeEachRedis("what is tried of a Redis", (program) => {
  let redis: TestRedis;
  let store: Store;
  let tokens = 0;

  beforeAll(async () => {
    redis = await startRedis(program);
    store = redisStore({ services: SERVICES, endpoint: redis.endpoint, readAdmin: redis.readAdmin, secrets: redis.secrets, aclPath: redis.aclPath });
  });

  beforeEach(async () => {
    await store.setUp(`t-${tokens++}`, new AbortController().signal);
  });

  afterAll(() => redis.dispose());

  const asAdmin = async (...commands: string[][]): Promise<unknown[]> => {
    const login = (await redis.readAdmin())!;
    const session = await RedisSession.open({ endpoint: login, login });
    try {
      const answers = [];
      for (const parts of commands) answers.push(await session.send(...parts));
      return answers;
    } finally {
      session.close();
    }
  };
  const failed = (evidence: readonly Evidence[]): string[] => evidence.filter(({ status }) => status === "failed").map(({ service, rule }) => `${service} ${rule}`);

  test("every rule holds for every service, also where one's name begins another's, and no key is left behind", async () => {
    await asAdmin(["SET", "auth2:theirs", "1"]);
    const evidence = await store.validate();
    expect(evidence.filter(({ status }) => status !== "passed")).toEqual([]);
    expect(evidence.map(({ service, rule }) => `${service} ${rule}`).sort()).toEqual(SERVICES.flatMap((service) => RULES.map((rule) => `${service} ${rule}`)).sort());
    expect(await asAdmin(["KEYS", "*"], ["DEL", "auth2:theirs"])).toEqual([["auth2:theirs"], 1]);
  });

  test.each<[string, string[][], string[]]>([
    ["all keys", [["ACL", "SETUSER", "auth", "allkeys"]], ["auth redis-no-foreign-keys"]],
    ["another's keys", [["ACL", "SETUSER", "auth", "~auth2:*"]], ["auth redis-no-foreign-keys"]],
    ["a prefix without its colon", [["ACL", "SETUSER", "auth", "~auth*"]], ["auth redis-no-foreign-keys"]],
    ["reading another's keys", [["ACL", "SETUSER", "auth", "%R~a-b:*"]], ["auth redis-no-foreign-keys"]],
    ["a selector for another's keys", [["ACL", "SETUSER", "auth", "(~a:* +get)"]], ["auth redis-no-foreign-keys"]],
    ["all channels", [["ACL", "SETUSER", "auth", "allchannels"]], ["auth redis-no-foreign-keys"]],
    ...["scan", "randomkey", "dbsize", "pubsub|channels", "client|tracking"].map((command): [string, string[][], string[]] => [command, [["ACL", "SETUSER", "auth", `+${command}`]], ["auth redis-no-foreign-keys"]]),
    ...["keys", "flushall", "flushdb", "config|get", "config|set", "acl|list", "acl|setuser", "info", "monitor", "client|list", "client|kill", "shutdown", "script|flush", "function|flush", "replicaof", "migrate", "restore", "slowlog|get", "latency|latest", "cluster|nodes", "role"].map((command): [string, string[][], string[]] => [command, [["ACL", "SETUSER", "auth", `+${command}`]], ["auth redis-no-admin"]]),
    ["everything", [["ACL", "SETUSER", "auth", "allkeys", "allchannels", "+@all"]], ["auth redis-no-foreign-keys", "auth redis-no-admin"]],
    ["no transactions", [["ACL", "SETUSER", "auth", "-multi"]], ["auth redis-no-foreign-keys", "auth redis-no-admin"]],
    ["no scripts", [["ACL", "SETUSER", "auth", "-eval"]], ["auth redis-access"]],
    ["no writing", [["ACL", "SETUSER", "auth", "-@write"]], ["auth redis-access"]],
    ["any password", [["ACL", "SETUSER", "auth", "nopass"]], ["auth redis-no-anonymous"]],
    ["nobody's login", [["ACL", "SETUSER", "auth", "off"]], ["auth redis-access"]],
    ["default switched on", [["ACL", "SETUSER", "default", "on", "nopass", "~*", "+ping"]], SERVICES.map((service) => `${service} redis-no-anonymous`)],
  ])("a user with %s is found by the rule for it, and by no other", async (_what, change, expected) => {
    await asAdmin(...change);
    expect(failed(await store.validate())).toEqual(expected);
  });

  test("a port without TLS beside the other is found", async () => {
    const port = await freePort();
    await asAdmin(["CONFIG", "SET", "port", String(port)]);
    try {
      const evidence = await store.validate();
      expect(failed(evidence)).toEqual(SERVICES.map((service) => `${service} redis-no-anonymous`));
      expect(evidence.find(({ status }) => status === "failed")!.detail).toContain(`port ${port}`);
    } finally {
      await asAdmin(["CONFIG", "SET", "port", "0"]);
    }
  });

  test("whoever tries it with every right destroys nothing: data, scripts, users and the server are as before", async () => {
    await asAdmin(["ACL", "SETUSER", "auth", "allkeys", "allchannels", "+@all"], ["SET", "a:theirs", "1"], ["SCRIPT", "LOAD", "return 7"]);
    const before = await asAdmin(["ACL", "LIST"], ["KEYS", "*"], ["GET", "a:theirs"], ["CONFIG", "GET", "*"]);
    expect(failed(await store.validate())).toEqual(["auth redis-no-foreign-keys", "auth redis-no-admin"]);
    expect(await asAdmin(["ACL", "LIST"], ["KEYS", "*"], ["GET", "a:theirs"], ["CONFIG", "GET", "*"])).toEqual(before);
    expect(await asAdmin(["EVALSHA", createHash("sha1").update("return 7").digest("hex"), "0"], ["DEL", "a:theirs"])).toEqual([7, 1]);
  });

  test("every single attempt would be allowed to an admin, but for what is switched off: none is refused for being wrong", async () => {
    const login = (await redis.readAdmin())!;
    const session = await RedisSession.open({ endpoint: login, login });
    const attempts = [...foreignAttempts("a:x", "b:x"), ...WATCHING_ATTEMPTS, ...adminAttempts("a:x")].filter(({ run }) => run !== true);
    await session.send("MULTI");
    const answers = [];
    for (const { parts } of attempts) answers.push(await session.send(...parts).catch((error: Error) => `${parts.join(" ")}: ${error.message}`));
    session.close();
    expect(answers.filter((answer) => answer !== "QUEUED")).toEqual([expect.stringMatching(/^DEBUG OBJECT a:x: .*enable-debug-command/)]);
  });

  test("a wrong password is a failure of access, what needs a session is skipped, and the doors are tried all the same", async () => {
    const secret = (await redis.secrets.readStore("auth", "redis"))!;
    const evidence = await validateRedis({ entries: [{ service: "auth", secret: { ...secret, password: randomBytes(24).toString("base64url") } }], readAdmin: redis.readAdmin });
    expect(evidence.map(({ rule, status }) => [rule, status])).toEqual([["redis-access", "failed"], ["redis-no-foreign-keys", "skipped"], ["redis-no-admin", "skipped"], ["redis-no-anonymous", "passed"]]);
    expect(evidence[0]).toMatchObject({ heal: "npx bulkhead up", detail: expect.stringContaining("WRONGPASS") as string });
  });

  test("another service's secret is a failure of access", async () => {
    const evidence = await validateRedis({ entries: [{ service: "auth", secret: await redis.secrets.readStore("auth2", "redis") }] });
    expect(evidence[0]).toMatchObject({ rule: "redis-access", status: "failed", detail: expect.stringContaining("auth2, not auth") as string });
  });

  test("a lost secret is a failure, and nothing is tried", async () => {
    const evidence = await validateRedis({ entries: [{ service: "auth", secret: undefined }] });
    expect(evidence.map(({ status }) => status)).toEqual(["failed", "skipped", "skipped", "skipped"]);
  });

  test("in a full Redis access fails, and isolation is proven all the same", async () => {
    await asAdmin(["CONFIG", "SET", "maxmemory-clients", "0"], ["CONFIG", "SET", "maxmemory", "1"]);
    try {
      const evidence = await store.validate();
      expect(failed(evidence)).toEqual(SERVICES.map((service) => `${service} redis-access`));
      expect(evidence.find(({ status }) => status === "failed")!.detail).toMatch(/^OOM/);
    } finally {
      await asAdmin(["CONFIG", "SET", "maxmemory", "64mb"], ["CONFIG", "SET", "maxmemory-clients", "25%"]);
    }
  });

  test("a server that is down fails access and the doors, which then prove nothing", async () => {
    await redis.stop();
    try {
      expect(failed(await store.validate())).toEqual(SERVICES.flatMap((service) => [`${service} redis-access`, `${service} redis-no-anonymous`]));
    } finally {
      await redis.start();
    }
  });

  test("of a server without users, as a cloud's, it is proven that its service gets in and nobody without the password; the rest does not apply", async () => {
    await asAdmin(["ACL", "SETUSER", "default", "on", ">the-auth-string", "~*", "&*", "+@all"]);
    const secret = makeRedisSecret(redis.endpoint, { username: "default", password: "the-auth-string", scope: "" });
    const evidence = await validateRedis({ entries: [{ service: "backend", secret }] });
    expect(evidence.map(({ rule, status }) => [rule, status])).toEqual([["redis-access", "passed"], ["redis-no-foreign-keys", "skipped"], ["redis-no-admin", "skipped"], ["redis-no-anonymous", "passed"]]);
    expect(await asAdmin(["KEYS", "*bulkhead*"])).toEqual([[]]);
  });
});
