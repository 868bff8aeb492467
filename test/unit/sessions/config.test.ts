import { ConfigManager, IsolatedEnvironment } from "../../../manager/src/config";
import type { AppConfig } from "../../../manager/src/config";
import { followingLogins, resolveDatabases } from "../../../manager/src/sessions/config";

const load = (source: Record<string, string>): Promise<AppConfig> => new ConfigManager({ service: "shop", target: "host", environment: new IsolatedEnvironment({ service: "shop", source }) }).load();
const PRIMARY = "postgresql://shop_user:first@localhost/shop";
const REPLICA = "postgresql://shop_reader:first@localhost:5433/shop";

test("the replica's lag bound is the configuration's", async () => {
  expect(resolveDatabases(await load({ DATABASE_URL: PRIMARY, READ_REPLICA_URL: REPLICA, READ_REPLICA_MAX_LAG_MS: "2000" })).replicaLagMaxMs).toBe(2_000);
  expect(resolveDatabases(await load({ DATABASE_URL: PRIMARY, READ_REPLICA_URL: REPLICA })).replicaLagMaxMs).toBe(5_000);
  expect(resolveDatabases({ url: PRIMARY, replicaLagMaxMs: 700 }).replicaLagMaxMs).toBe(700);
});

test("pools follow the login of a configuration that is loaded anew on request, primary and replica each its own", async () => {
  let loads = 0;
  const variables = { DATABASE_URL: PRIMARY, READ_REPLICA_URL: REPLICA };
  const resolved = resolveDatabases(await load(variables));
  const { primary, replica } = followingLogins(resolved, () => {
    loads++;
    return load({ DATABASE_URL: PRIMARY.replace("shop_user:first", "shop_user_b:second"), READ_REPLICA_URL: REPLICA.replace("first", "second") });
  });
  expect(primary).not.toHaveProperty("password");
  await expect(primary.credentials?.({}, { refresh: false })).resolves.toEqual({ user: "shop_user", password: "first" });
  expect(loads).toBe(0);
  await expect(primary.credentials?.({}, { refresh: true })).resolves.toEqual({ user: "shop_user_b", password: "second" });
  await expect(primary.credentials?.({}, { refresh: false })).resolves.toEqual({ user: "shop_user_b", password: "second" });
  await expect(replica?.credentials?.({}, { refresh: true })).resolves.toEqual({ user: "shop_reader", password: "second" });
  expect(loads).toBe(2);
});

test("a login that the caller gives the pools itself is left alone", () => {
  const credentials = () => ({ user: "own", password: "own" });
  const resolved = resolveDatabases({ url: "postgresql://localhost/shop", pool: { credentials } });
  expect(followingLogins(resolved, () => ({ url: PRIMARY })).primary.credentials).toBe(credentials);
});
