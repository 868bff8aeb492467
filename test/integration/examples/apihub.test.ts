import { startApihub } from "../../../examples/apihub/service";
import { until } from "../../support/pool";
import { startExampleTier } from "./example-tier";
import type { Answer, Client, ExampleTier } from "./example-tier";

let tier: ExampleTier;
let apihub: Client;

beforeAll(async () => {
  tier = await startExampleTier("apihub");
  apihub = await tier.start(startApihub);
});
afterAll(() => tier?.stop());

const create = (table: string, row: object): Promise<Answer> => apihub.call("POST", `/${table}`, row);
const state = async (): Promise<unknown> => ((await apihub.call("GET", "/health")).body["store"] as { state: string }).state;
const hash = (letter: string): string => letter.repeat(64);

test("the four tables are created, read, changed, listed and deleted", async () => {
  const user = (await create("users", { email: "ada@example.com", name: "Ada" })).body;
  const api = await create("apis", { name: "weather", base_url: "https://weather.example", owner_id: user["id"], metadata: { tags: ["public"] } });
  expect(api).toMatchObject({ status: 201, body: { status: "active", metadata: { tags: ["public"] } } });
  const token = await create("tokens", { user_id: user["id"], token_hash: hash("a"), scopes: ["read"], expires_at: "2999-01-01T00:00:00Z" });
  expect(token).toMatchObject({ status: 201, body: { scopes: ["read"] } });
  expect(token.body).not.toHaveProperty("token_hash");
  expect(await create("otps", { user_id: user["id"], purpose: "login", code_hash: "x", expires_at: "2999-01-01T00:00:00Z" })).toMatchObject({ status: 201, body: { attempts: 0 } });

  expect(await apihub.call("PATCH", `/apis/${String(api.body["id"])}`, { status: "deprecated" })).toMatchObject({ status: 200, body: { status: "deprecated", name: "weather" } });
  expect(await apihub.call("GET", `/users/${String(user["id"])}`)).toMatchObject({ status: 200, body: { name: "Ada" } });
  expect((await apihub.call("GET", "/apis")).body).toHaveLength(1);
  expect(await apihub.call("DELETE", `/users/${String(user["id"])}`)).toMatchObject({ status: 204 });
  expect(await apihub.call("GET", `/tokens/${String(token.body["id"])}`)).toMatchObject({ status: 404 });
});

test("what is wrong is refused: a taken address, a row that does not fit, another table", async () => {
  await create("users", { email: "bob@example.com" });
  expect(await create("users", { email: "bob@example.com" })).toMatchObject({ status: 409 });
  expect(await create("users", { email: "Not Lower Case" })).toMatchObject({ status: 409 });
  expect(await create("users", {})).toMatchObject({ status: 409 });
  expect(await apihub.call("GET", "/users/no-uuid")).toMatchObject({ status: 400 });
  expect(await apihub.call("GET", "/pg_authid")).toMatchObject({ status: 404 });
  expect(await apihub.call("GET", "/users/00000000-0000-0000-0000-000000000000")).toMatchObject({ status: 404 });
});

test("health and metrics are served", async () => {
  expect(await apihub.call("GET", "/health")).toMatchObject({ status: 200, body: { status: "healthy", conflicts: 0 } });
  expect(await apihub.call("GET", "/health/live")).toMatchObject({ status: 200 });
  expect(await apihub.call("GET", "/health/details", undefined, { authorization: "Bearer for tests" })).toMatchObject({ status: 200 });
  expect((await apihub.call("GET", "/metrics")).text).toContain('pool_name="apihub"');
});

test("while Postgres is away the service goes on in memory, and on its return nothing is lost and conflicts are kept", async () => {
  const old = (await create("users", { email: "old@example.com" })).body;
  await tier.stopPostgres();
  const carol = await create("users", { email: "carol@example.com" });
  expect(carol).toMatchObject({ status: 201 });
  expect(await state()).toBe("memory");
  expect(await apihub.call("GET", "/health")).toMatchObject({ body: { status: "degraded" } });

  // What was written is found; what only the primary has is not known now, which is something else than not there.
  const id = String(carol.body["id"]);
  expect(await apihub.call("GET", `/users/${id}`)).toMatchObject({ status: 200, body: { email: "carol@example.com" } });
  expect(await apihub.call("GET", `/users/${String(old["id"])}`)).toMatchObject({ status: 503 });
  expect(await create("tokens", { user_id: old["id"], token_hash: hash("b") })).toMatchObject({ status: 503 });
  expect((await apihub.call("GET", "/users")).headers.get("x-degraded")).toBe("memory");
  expect(await apihub.call("PATCH", `/users/${id}`, { name: "Carol" })).toMatchObject({ status: 200 });
  expect(await create("tokens", { user_id: id, token_hash: hash("c") })).toMatchObject({ status: 201 });
  const passing = await create("users", { email: "passing@example.com" });
  expect(await apihub.call("DELETE", `/users/${String(passing.body["id"])}`)).toMatchObject({ status: 204 });
  // The address is taken, which memory cannot know.
  const conflict = await create("users", { email: "old@example.com" });
  expect(conflict).toMatchObject({ status: 201 });

  await tier.startPostgres();
  await until(async () => (await state()) === "primary", "everything goes to the primary again", 30_000);
  expect(await tier.rows("SELECT email, name FROM users WHERE email IN ('carol@example.com', 'old@example.com', 'passing@example.com') ORDER BY email")).toEqual([
    { email: "carol@example.com", name: "Carol" },
    { email: "old@example.com", name: null },
  ]);
  expect(await tier.rows("SELECT user_id FROM tokens WHERE token_hash = repeat('c', 64)")).toEqual([{ user_id: id }]);
  expect((await apihub.call("GET", "/conflicts")).body).toMatchObject([{ table: "users", operation: "create", id: conflict.body["id"], row: { email: "old@example.com" } }]);
  expect(await apihub.call("GET", `/users/${String(old["id"])}`)).toMatchObject({ status: 200 });
  expect((await apihub.call("GET", "/users")).headers.get("x-degraded")).toBeNull();
}, 120_000);

test("under load, a restart of Postgres loses nothing that was confirmed and writes nothing twice", async () => {
  let stop = false;
  let number = 0;
  const confirmed = new Set<string>();
  const refused = new Set<string>();
  const other: Answer[] = [];
  const caller = async (): Promise<void> => {
    while (!stop) {
      const name = `load-${number++}`;
      const answer = await create("apis", { name, base_url: "https://load.example" });
      if (answer.status === 201) confirmed.add(name);
      else if (answer.status === 503) refused.add(name);
      else other.push(answer);
      // A merge ends where it is faster than what comes in, also on a machine that does other things besides.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const callers = Array.from({ length: 5 }, caller);
  await until(() => confirmed.size >= 20, "served before");
  await tier.stopPostgres();
  await until(async () => (await state()) === "memory", "in memory", 30_000);
  const before = confirmed.size;
  await until(() => confirmed.size >= before + 20, "served in memory");
  await tier.startPostgres();
  await until(async () => (await state()) === "primary", "back on the primary", 30_000);
  const back = confirmed.size;
  await until(() => confirmed.size >= back + 20, "served afterwards");
  stop = true;
  await Promise.all(callers);
  expect(other).toEqual([]);
  const written = (await tier.rows("SELECT name FROM apis WHERE base_url = 'https://load.example'")).map(({ name }) => String(name));
  expect(new Set(written).size).toBe(written.length);
  expect([...confirmed].filter((name) => !written.includes(name))).toEqual([]);
  // What was refused was not written, unless its COMMIT was on its way.
  expect(written.filter((name) => !confirmed.has(name) && !refused.has(name))).toEqual([]);
}, 120_000);

test("a service that starts while Postgres is away begins in memory, and finds it", async () => {
  await tier.stopPostgres();
  const another = await tier.start(startApihub);
  expect(await another.call("POST", "/users", { email: "early@example.com" })).toMatchObject({ status: 201 });
  expect(await another.call("GET", "/health")).toMatchObject({ body: { status: "degraded" } });
  await tier.startPostgres();
  await until(async () => ((await another.call("GET", "/health")).body["status"]) !== "degraded", "it is on the primary", 60_000);
  expect(await tier.rows("SELECT email FROM users WHERE email = 'early@example.com'")).toHaveLength(1);
}, 180_000);
