import { classifyError } from "../../../manager/src/errors";
import { InMemoryDatabase } from "../../../manager/src/memory";
import type { InMemoryDatabaseOptions } from "../../../manager/src/memory";
import { TestClock } from "../errors/test-clock";

const HASH = "a".repeat(64);
const NOBODY = "00000000-0000-4000-8000-000000000000";
const refusal = (code: string, constraint?: string): unknown => expect.objectContaining(constraint === undefined ? { code } : { code, constraint });

/** A database whose wall clock the test turns. */
function timed(options: InMemoryDatabaseOptions = {}) {
  let nowMs = Date.parse("2026-01-01T00:00:00Z");
  const database = new InMemoryDatabase({ now: () => nowMs, ...options });
  return { database, pass: (ms: number) => (nowMs += ms), at: (ms: number) => new Date(nowMs + ms) };
}

describe("rows", () => {
  test("get the defaults of the schema, and are found, changed and deleted", async () => {
    const { database, pass, at } = timed();
    const user = await database.users.create({ email: "ada@example.org" });
    expect(user).toMatchObject({ name: null, is_active: true, created_at: at(0), updated_at: at(0) });
    const api = await database.apis.create({ name: "maps", base_url: "https://maps.example", owner_id: user.id });
    expect(api).toMatchObject({ description: "", status: "active", rate_limit_per_minute: null, metadata: {} });
    pass(5);
    expect(await database.users.update(user.id, { name: "Ada" })).toMatchObject({ name: "Ada", updated_at: at(0), created_at: at(-5) });
    expect(await database.users.read(user.id.toUpperCase())).toMatchObject({ name: "Ada" });
    expect(await database.apis.find({ owner_id: user.id })).toEqual([api]);
    expect(await database.users.delete(user.id)).toBe(true);
    expect([await database.users.delete(user.id), await database.users.read(user.id), await database.users.update(user.id, { name: "x" })]).toEqual([false, undefined, undefined]);
  });

  test("that go out are copies: changing one changes nothing inside", async () => {
    const database = new InMemoryDatabase();
    const given = { name: "maps", base_url: "http://m", metadata: { tags: ["a"] } };
    const api = await database.apis.create(given);
    given.metadata.tags.push("b");
    (api.metadata as { tags: string[] }).tags.push("c");
    api.created_at.setTime(0);
    expect(await database.apis.read(api.id)).toMatchObject({ metadata: { tags: ["a"] } });
    expect((await database.apis.read(api.id))?.created_at.getTime()).not.toBe(0);
  });

  test("are found by any column, in order, in bounded pages; the order of keys in JSON does not matter", async () => {
    const database = new InMemoryDatabase();
    for (let number = 0; number < 130; number += 1) await database.apis.create({ name: `api ${number}`, base_url: "http://x", metadata: { a: 1, b: [number % 2] } });
    expect(await database.apis.find()).toHaveLength(100);
    expect((await database.apis.find({}, { limit: 3, offset: 128 })).map(({ name }) => name)).toEqual(["api 128", "api 129"]);
    expect(await database.apis.count({ metadata: { b: [1], a: 1 } })).toBe(65);
    await expect(database.apis.find({ nonsense: 1 } as object)).rejects.toEqual(refusal("42703"));
  });
});

describe("constraints have Postgres' SQLSTATE and name", () => {
  test("and classify like Postgres' own", async () => {
    const database = new InMemoryDatabase();
    await database.users.create({ email: "a@b" });
    const error: unknown = await database.users.create({ email: "a@b" }).catch((thrown: unknown) => thrown);
    expect(error).toEqual(refusal("23505", "users_email_key"));
    expect(classifyError(error)).toMatchObject({ class: "constraint", code: "23505", retryable: false });
  });

  test.each([
    ["an e-mail in capitals", "users", { email: "Ada@example.org" }, "23514", "users_email_check"],
    ["no e-mail", "users", {}, "23502", undefined],
    ["an unknown column", "users", { email: "a@b", role: "admin" }, "42703", undefined],
    ["an id that is none", "users", { id: "1", email: "a@b" }, "22P02", undefined],
    ["a NUL", "users", { email: "a@b", name: "\0" }, "22021", undefined],
    ["a NUL deep in JSON", "apis", { name: "n", base_url: "http://x", metadata: { a: ["\0"] } }, "22021", undefined],
    ["a URL of another scheme", "apis", { name: "n", base_url: "ftp://x" }, "23514", "apis_base_url_check"],
    ["a limit of none", "apis", { name: "n", base_url: "http://x", rate_limit_per_minute: 0 }, "23514", "apis_rate_limit_per_minute_check"],
    ["a limit out of range", "apis", { name: "n", base_url: "http://x", rate_limit_per_minute: 3e9 }, "22003", undefined],
    ["an owner who is not there", "apis", { name: "n", base_url: "http://x", owner_id: NOBODY }, "23503", "apis_owner_id_fkey"],
    ["a token of nobody", "tokens", { user_id: NOBODY, token_hash: HASH }, "23503", "tokens_user_id_fkey"],
    ["a token in the clear", "tokens", { user_id: NOBODY, token_hash: "secret" }, "23514", "tokens_token_hash_check"],
    ["an OTP for an unknown purpose", "otps", { user_id: NOBODY, purpose: "fun", code_hash: "x", expires_at: new Date(Date.now() + 1e6) }, "23514", "otps_purpose_check"],
    ["an OTP that ends before it begins", "otps", { user_id: NOBODY, purpose: "login", code_hash: "x", expires_at: new Date(0) }, "23514", "otps_check"],
  ] as const)("%s is refused", async (_what, table, values, code, constraint) => {
    const database = new InMemoryDatabase();
    await expect(database[table].create(values as never)).rejects.toEqual(refusal(code, constraint));
    expect(database.stats().rowsTotal).toBe(0);
  });

  test("deleting a user takes tokens and OTPs along, and leaves the user's APIs without an owner", async () => {
    const { database, at } = timed();
    const { id } = await database.users.create({ email: "a@b" });
    const api = await database.apis.create({ name: "n", base_url: "http://x", owner_id: id });
    await database.tokens.create({ user_id: id, api_id: api.id, token_hash: HASH });
    await database.otps.create({ user_id: id, purpose: "login", code_hash: "x", expires_at: at(1_000) });
    await database.users.delete(id);
    expect(database.stats().rows).toEqual({ users: 0, apis: 1, tokens: 0, otps: 0 });
    expect(await database.apis.read(api.id)).toMatchObject({ owner_id: null });
  });

  test("an id cannot be changed", async () => {
    const database = new InMemoryDatabase();
    const { id } = await database.users.create({ email: "a@b" });
    await expect(database.users.update(id, { id: NOBODY } as object)).rejects.toEqual(refusal("0A000"));
  });
});

describe("expiry", () => {
  test("a token whose time is over is not found, and its hash and its room are free again", async () => {
    const { database, pass, at } = timed({ rowsMax: 2 });
    const { id } = await database.users.create({ email: "a@b" });
    const token = await database.tokens.create({ user_id: id, token_hash: HASH, expires_at: at(1_000) });
    pass(999);
    expect(await database.tokens.read(token.id)).toBeDefined();
    pass(1);
    expect([await database.tokens.read(token.id), await database.tokens.find(), await database.tokens.update(token.id, { revoked_at: at(0) })]).toEqual([undefined, [], undefined]);
    await database.tokens.create({ user_id: id, token_hash: HASH });
    expect(database.stats()).toMatchObject({ expired: 1, rowsTotal: 2 });
  });

  test("removeExpired says how many it removed", async () => {
    const { database, pass, at } = timed();
    const { id } = await database.users.create({ email: "a@b" });
    for (const ms of [10, 20, 30]) await database.otps.create({ user_id: id, purpose: "login", code_hash: "x", expires_at: at(ms) });
    pass(20);
    expect([await database.removeExpired(), await database.removeExpired()]).toEqual([2, 0]);
  });
});

describe("a transaction", () => {
  test("is seen by others as a whole or not at all, and what it throws undoes it", async () => {
    const database = new InMemoryDatabase({ journalMax: 10 });
    const seen: number[] = [];
    await database.transaction(async (tables) => {
      await tables.users.create({ email: "a@b" });
      seen.push(await database.users.count(), await tables.users.count());
    });
    await expect(database.transaction(async (tables) => {
      await tables.users.create({ email: "c@d" });
      throw new Error("no");
    })).rejects.toThrow("no");
    expect([...seen, await database.users.count(), database.journal.length]).toEqual([0, 1, 1, 1]);
    expect(database.stats().rollbacks).toBe(1);
  });

  test("goes on after a statement that was refused, since nothing of that happened", async () => {
    const database = new InMemoryDatabase();
    await database.transaction(async ({ users }) => {
      await users.create({ email: "a@b" });
      await expect(users.create({ email: "a@b" })).rejects.toEqual(refusal("23505"));
      await users.create({ email: "c@d" });
    });
    expect(await database.users.count()).toBe(2);
  });

  test("waits for the one before, and loses no update", async () => {
    const database = new InMemoryDatabase();
    const { id } = await database.users.create({ email: "a@b", name: "0" });
    await Promise.all(Array.from({ length: 20 }, () => database.transaction(async ({ users }) => {
      const name = Number((await users.read(id))?.name);
      await new Promise((resolve) => setImmediate(resolve));
      await users.update(id, { name: String(name + 1) });
    })));
    expect((await database.users.read(id))?.name).toBe("20");
  });

  test("that never ends is rolled back at its deadline, and the next gets its turn", async () => {
    const clock = new TestClock();
    const database = new InMemoryDatabase({ clock, transactionTimeoutMs: 1_000 });
    let late: unknown;
    const stuck = database.transaction(({ users }) => new Promise(() => (late = users))).catch((error: unknown) => error);
    const next = database.users.create({ email: "a@b" });
    await clock.advance(1_000);
    expect(await stuck).toEqual(refusal("25P04"));
    await expect(next).resolves.toBeDefined();
    await expect((late as InMemoryDatabase["users"]).create({ email: "c@d" })).rejects.toEqual(refusal("25000"));
    expect(clock.pending).toBe(0);
  });

  test("that uses the database from within itself is told so, instead of waiting for itself", async () => {
    const database = new InMemoryDatabase();
    await expect(database.transaction(() => database.users.create({ email: "a@b" }))).rejects.toEqual(refusal("25001"));
  });

  test("that finds too many waiting is refused", async () => {
    const database = new InMemoryDatabase({ waitingMax: 2 });
    const outcomes = await Promise.allSettled([1, 2, 3].map((number) => database.users.create({ email: `${number}@b` })));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  });
});

describe("bounds", () => {
  test("a full database refuses, keeps what it has, and counts the refusals", async () => {
    const database = new InMemoryDatabase({ rowsMax: 3 });
    for (let number = 0; number < 3; number += 1) await database.users.create({ email: `${number}@b` });
    await expect(database.users.create({ email: "3@b" })).rejects.toEqual(refusal("53400"));
    expect(classifyError(await database.users.create({ email: "3@b" }).catch((error: unknown) => error))).toMatchObject({ class: "resource" });
    expect(database.stats()).toMatchObject({ rowsTotal: 3, refused: 2 });
  });

  test("bytes are bounded, for rows that grow as well, and given back by deletes", async () => {
    const database = new InMemoryDatabase({ bytesMax: 20_000 });
    const { id } = await database.users.create({ email: "a@b", name: "x".repeat(4_000) });
    await expect(database.users.update(id, { name: "x".repeat(12_000) })).rejects.toEqual(refusal("53400"));
    expect((await database.users.read(id))?.name).toHaveLength(4_000);
    await database.users.delete(id);
    expect(database.stats().sizeBytes).toBe(0);
  });

  test("a full journal refuses writes, reads go on, and an acknowledged entry makes room", async () => {
    const database = new InMemoryDatabase({ journalMax: 2 });
    const { id } = await database.users.create({ email: "a@b" });
    await database.users.update(id, { name: "A" });
    await expect(database.users.delete(id)).rejects.toEqual(refusal("53400"));
    await expect(database.transaction(({ users }) => users.delete(id))).rejects.toEqual(refusal("53400"));
    expect(await database.users.count()).toBe(1);
    database.journal.acknowledge(1);
    expect(await database.users.delete(id)).toBe(true);
  });
});

describe("the journal", () => {
  test("holds each write in order, with its row afterwards, and the writes of a transaction together", async () => {
    const database = new InMemoryDatabase({ journalMax: 100 });
    const { id } = await database.users.create({ email: "a@b" });
    await database.transaction(async ({ users }) => {
      await users.update(id, { name: "A" });
      await users.delete(id);
    });
    expect(database.journal.peek(10)).toMatchObject([
      { sequence: 1, transaction: 1, table: "users", operation: "create", id, row: { email: "a@b" } },
      { sequence: 2, transaction: 2, operation: "update", columns: ["name"], row: { name: "A" } },
      { sequence: 3, transaction: 2, operation: "delete", id, row: undefined },
    ]);
  });

  test("is acknowledged one by one, in order, and counts its bytes back to none", async () => {
    const database = new InMemoryDatabase({ journalMax: 100 });
    for (let number = 0; number < 5; number += 1) await database.users.create({ email: `${number}@b` });
    expect(() => database.journal.acknowledge(2)).toThrow(expect.objectContaining({ code: "JOURNAL_ORDER" }) as Error);
    for (let entry = database.journal.next(); entry !== undefined; entry = database.journal.next()) database.journal.acknowledge(entry.sequence);
    expect([database.journal.length, database.journal.sizeBytes, database.journal.written]).toEqual([0, 0, 5]);
  });

  test("knows nothing of what was seeded", async () => {
    const database = new InMemoryDatabase({ journalMax: 100 });
    await database.seed("users", [{ id: NOBODY, email: "a@b" }]);
    await database.tokens.create({ user_id: NOBODY, token_hash: HASH });
    expect(database.journal.peek(10)).toMatchObject([{ table: "tokens" }]);
  });
});

test("health is degraded as long as memory is in use, and says how much there is", async () => {
  const database = new InMemoryDatabase({ journalMax: 10 });
  await database.users.create({ email: "a@b" });
  expect(database.health()).toMatchObject({ status: "degraded", reason: "data are kept in memory: 1 rows, 1 writes to be merged" });
});
