import { ConfigError, ConfigManager, IsolatedEnvironment } from "../../../manager/src/config";
import { systemClock } from "../../../manager/src/errors";
import type { Clock } from "../../../manager/src/errors";
import { SecretManagerServer } from "./secret-manager-server";

const NAME = "projects/acme/secrets/auth-db";
const SECRET = { username: "auth_user", password: "s3cret-Pass", host: "10.0.0.5", port: 5432, dbname: "auth_db", sslmode: "require" };
let store: SecretManagerServer;
beforeEach(async () => {
  store = await new SecretManagerServer().start();
});
afterEach(() => store.stop());

/** Node's timers, and a time that passes two seconds with each look, so that a secret counts as old enough to be read again. */
let looks = 0;
const clock: Clock = { ...systemClock, nowMs: () => performance.now() + (looks += 1) * 2_000 };
const load = (secret = NAME) => new ConfigManager({ service: "auth", target: "host", clock, loadModule: store.loadModule, environment: new IsolatedEnvironment({ service: "auth", source: { GCP_DB_SECRET: secret } }) }).load();
const problemOf = async (secret?: string) => {
  const error: unknown = await load(secret).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw error;
  expect(error.message).not.toContain(SECRET.password);
  return error.problems[0];
};

test("Google's own client reads the latest version, or the one that is named", async () => {
  store.create(NAME, JSON.stringify(SECRET), JSON.stringify({ ...SECRET, host: "10.0.0.6" }));
  expect((await load()).database).toMatchObject({ source: "gcp-secret-manager", host: "10.0.0.6", user: "auth_user" });
  expect((await load(`${NAME}/versions/1`)).database).toMatchObject({ host: "10.0.0.5" });
});

test("what Google's client says of a secret that is absent, forbidden or disabled becomes a problem with the command that mends it", async () => {
  expect(await problemOf()).toMatchObject({ variable: "GCP_DB_SECRET", fix: expect.stringContaining("gcloud secrets versions list") as string });
  const [version] = store.create(NAME, JSON.stringify(SECRET));
  version!.enabled = false;
  expect(await problemOf()).toMatchObject({ problem: expect.stringContaining("DISABLED") as string, fix: expect.stringContaining("gcloud secrets versions enable") as string });
  store.unreadable.add(NAME);
  expect(await problemOf()).toMatchObject({ fix: expect.stringContaining("secretAccessor") as string });
});

test("a secret that was rotated is read anew by the pool's password function", async () => {
  store.create(NAME, JSON.stringify(SECRET));
  const { database } = await load();
  if (database.kind !== "postgres") throw new Error("on memory");
  expect(await database.password?.({ user: "auth_user" }, { refresh: false })).toBe("s3cret-Pass");
  store.create(NAME, JSON.stringify({ ...SECRET, password: "n3xt" }));
  expect(await database.password?.({ user: "auth_user" }, { refresh: true })).toBe("n3xt");
});
