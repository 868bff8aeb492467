import { startAuth } from "../../../examples/auth/service";
import { until } from "../../support/pool";
import { startExampleTier } from "./example-tier";
import type { Client, ExampleTier } from "./example-tier";

const PASSWORD = "correct horse battery staple";
const CALLERS = 6;

let tier: ExampleTier;
let auth: Client;

beforeAll(async () => {
  tier = await startExampleTier("auth");
  auth = await tier.start(startAuth);
});
afterAll(() => tier?.stop());

const register = (name: string) => auth.call("POST", "/register", { email: `${name}@Example.com`, username: name, password: PASSWORD });
const login = (name: string, password = PASSWORD) => auth.call("POST", "/login", { email: `${name}@example.com`, password });
const refresh = (refreshToken: unknown) => auth.call("POST", "/refresh", { refreshToken });

test("a person registers, logs in, gets a new token for the old one, and logs out", async () => {
  const { status, body } = await register("ada");
  expect({ status, body }).toEqual({ status: 201, body: { id: expect.any(String) as string } });
  const loggedIn = await login("ada");
  expect(loggedIn).toMatchObject({ status: 200, body: { userId: body["id"] } });
  const refreshed = await refresh(loggedIn.body["refreshToken"]);
  expect(refreshed).toMatchObject({ status: 200, body: { userId: body["id"] } });
  expect(await auth.call("POST", "/logout", { refreshToken: refreshed.body["refreshToken"] })).toMatchObject({ status: 204 });
  expect(await refresh(refreshed.body["refreshToken"])).toMatchObject({ status: 401 });
});

test("what is wrong is refused: a taken address, a wrong password, an unknown person, a body without what is needed", async () => {
  await register("bob");
  expect(await register("bob")).toMatchObject({ status: 409 });
  expect(await login("bob", "wrong")).toMatchObject({ status: 401 });
  expect(await login("nobody")).toMatchObject({ status: 401 });
  expect(await auth.call("POST", "/login", { email: "bob@example.com" })).toMatchObject({ status: 400, body: { error: "password is missing" } });
  expect(await auth.call("GET", "/operations")).toMatchObject({ body: { login: { reasons: { "wrong-password": 1, "unknown-user": 1 } } } });
});

test("of many that bring the same token at once, one gets the next", async () => {
  await register("carol");
  const { body } = await login("carol");
  const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(body["refreshToken"])));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401]);
});

test("neither a password nor a token is stored as it is", async () => {
  await register("dora");
  const { body } = await login("dora");
  const stored = JSON.stringify(await tier.rows("SELECT * FROM users LEFT JOIN sessions ON user_id = users.id"));
  expect(stored).toContain("dora@example.com");
  expect(stored).not.toContain(PASSWORD);
  expect(stored).not.toContain(String(body["refreshToken"]));
});

test("health and metrics are served, details to who has the token", async () => {
  expect(await auth.call("GET", "/health/ready")).toMatchObject({ status: 200, body: { status: "ready" } });
  expect(await auth.call("GET", "/health/details")).toMatchObject({ status: 401 });
  expect(await auth.call("GET", "/health/details", undefined, { authorization: "Bearer for tests" })).toMatchObject({ status: 200 });
  expect((await auth.call("GET", "/metrics")).text).toMatch(/db_client_connection_count\{[^}]*pool_name="auth"/);
});

test("a restart of Postgres under load passes: tokens stay right, errors come only while it is down, and the service goes on by itself", async () => {
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => register(`load${index}`)));
  const before = await tier.rows("SELECT count(*)::int AS n FROM sessions");
  const tokens = (await Promise.all(Array.from({ length: CALLERS }, (_, index) => login(`load${index}`)))).map(({ body }) => body["refreshToken"]);
  let state: "up" | "down" | "back" | "over" = "up";
  let served = 0;
  const failures: { state: string; status: number; error: unknown }[] = [];
  const wrong: string[] = [];

  const caller = async (index: number): Promise<void> => {
    while (state !== "over") {
      const begun = state;
      const { status, body } = await refresh(tokens[index]);
      if (status === 200) {
        tokens[index] = body["refreshToken"];
        if (begun === "back") served++;
      } else if (body["error"] === "outcome unknown") {
        // The one answer that leaves open which token holds: the client logs in again.
        const again = await login(`load${index}`);
        if (again.status === 200) tokens[index] = again.body["refreshToken"];
        failures.push({ state: begun, status, error: body["error"] });
      } else if (status === 503) failures.push({ state: begun, status, error: body["error"] });
      // A token that was not exchanged must still be good, and one that was given must be: 401 is a wrong answer.
      else wrong.push(`${status} ${JSON.stringify(body)}`);
    }
  };
  const callers = Array.from({ length: CALLERS }, (_, index) => caller(index));
  const replaced = tokens.slice();
  await until(() => tokens.every((token, index) => token !== replaced[index]), "every caller was served before");
  state = "down";
  await tier.stopPostgres();
  await until(async () => (await auth.call("GET", "/health/ready")).status === 503, "the service says that it is not ready");
  expect(await auth.call("GET", "/health/live")).toMatchObject({ status: 200 });
  await tier.startPostgres();
  await until(() => auth.call("GET", "/health/ready").then(({ status }) => status === 200), "the service is ready again");
  state = "back";
  await until(() => served >= 3 * CALLERS, "callers are served again");
  state = "over";
  await Promise.all(callers);

  expect(wrong).toEqual([]);
  expect(failures.filter((failure) => failure.state === "back")).toEqual([]);
  // The tokens that the clients hold are the ones that are good.
  for (const answer of await Promise.all(tokens.map(refresh))) expect(answer.status).toBe(200);
  const after = await tier.rows("SELECT count(*)::int AS n FROM sessions");
  const unknown = failures.filter(({ error }) => error === "outcome unknown").length;
  expect(Number(after[0]!["n"]) - Number(before[0]!["n"])).toBeLessThanOrEqual(CALLERS + unknown);
}, 120_000);

test("a service that is closed leaves no connection behind, and answers nobody any more", async () => {
  const another = await tier.start(startAuth);
  expect(await another.call("GET", "/health")).toMatchObject({ status: 200 });
  await another.close();
  await expect(another.call("GET", "/health/live")).rejects.toThrow();
  await auth.close();
  expect(await tier.rows("SELECT pid FROM pg_stat_activity WHERE usename = 'auth_user'")).toEqual([]);
});

test("a secret that is not there is an error at start that names the variable", async () => {
  await expect(tier.start((options) => startAuth({ ...options, environment: options.environment.with({ DB_SECRET_FILE: "/nowhere/app.json" }) }))).rejects.toThrow(/DB_SECRET_FILE/);
});
