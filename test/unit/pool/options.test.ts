import { resolveOptions } from "../../../manager/src/pool/options";
import type { PoolOptions } from "../../../manager/src/pool";

test("defaults are the documented ones, and no wait is infinite", () => {
  expect(resolveOptions({})).toMatchObject({
    max: 10, min: 0, acquireTimeoutMs: 5000, connectTimeoutMs: 5000, queryTimeoutMs: 32_000, validateAfterIdleMs: 1000, validationTimeoutMs: 1000,
    idleTimeoutMs: 240_000, maxLifetimeMs: 1_800_000, maxWaiting: 100, resetTimeoutMs: 1000, shutdownGraceMs: 8000, leakThresholdMs: 30_000, pooler: "none",
  });
});

test("the query deadline leaves the server two seconds to answer first", () => {
  expect(resolveOptions({ statement_timeout: 5000 }).queryTimeoutMs).toBe(7000);
  expect(resolveOptions({ statement_timeout: 5000, queryTimeoutMs: 100 }).queryTimeoutMs).toBe(100);
  expect(resolveOptions({ query_timeout: 700 }).queryTimeoutMs).toBe(700);
  expect(resolveOptions({ queryTimeoutMs: Infinity }).queryTimeoutMs).toBe(Infinity);
});

test("pg-pool's names keep their meaning, except that nothing waits for ever", () => {
  expect(resolveOptions({ poolSize: 9 }).max).toBe(9);
  expect(resolveOptions({ max: 20 }).maxWaiting).toBe(200);
  expect(resolveOptions({ connectionTimeoutMillis: 300 })).toMatchObject({ acquireTimeoutMs: 300, connectTimeoutMs: 300 });
  expect(resolveOptions({ connectionTimeoutMillis: 300, acquireTimeoutMs: 50 })).toMatchObject({ acquireTimeoutMs: 50, connectTimeoutMs: 300 });
  expect(resolveOptions({ connectionTimeoutMillis: 0 }).acquireTimeoutMs).toBe(5000);
  expect(resolveOptions({ idleTimeoutMillis: 0 }).idleTimeoutMs).toBe(Infinity);
  expect(resolveOptions({ maxLifetimeSeconds: 0 }).maxLifetimeMs).toBe(Infinity);
});

test("every problem is named in one error", () => {
  const options = { max: -1, acquireTimeoutMs: Infinity, min: 1.5, leakThresholdMs: 5, pooler: "pgcat" as never };
  for (const name of ["max", "min", "acquireTimeoutMs", "leakThresholdMs", "pooler"]) expect(() => resolveOptions(options)).toThrow(`${name} must be`);
  expect(() => resolveOptions({ min: 5, max: 2 })).toThrow("min (5) must not be over max (2)");
});

test("what does not get through a transaction pooler is refused, with what to do instead", () => {
  const options: PoolOptions = { pooler: "transaction", statement_timeout: 1000, options: "-c search_path=x", discardOnRelease: true };
  expect(() => resolveOptions(options)).toThrow(/statement_timeout.*ALTER ROLE.*options.*discardOnRelease/s);
  expect(() => resolveOptions({ pooler: "session", options: "-c search_path=x" })).toThrow("refused by poolers");
});

test("a value is never shown where it could be a secret", () => {
  expect(() => resolveOptions({ max: "hunter2" as never })).toThrow(/max must be a whole number of at least 0; it is a string/);
});

test("credentials give the login, so nothing else may give one as well", () => {
  const credentials = () => ({ user: "shop_user", password: "secret" });
  expect(() => resolveOptions({ credentials, user: "a", password: "hunter2", connectionString: "postgresql://a:hunter2@h/d" })).toThrow(/user cannot be given beside credentials.*password cannot.*connectionString cannot/);
  expect(() => resolveOptions({ credentials, credentialsRefreshMs: 99 })).toThrow("credentialsRefreshMs must be a number of at least 100, or Infinity; it is 99");
  expect(resolveOptions({ credentials }).credentialsRefreshMs).toBe(300_000);
});
