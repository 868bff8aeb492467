import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { BulkheadError, SQLSTATES, classifyError } from "../../../manager/src/errors";
import type { ErrorClass } from "../../../manager/src/errors";
import { PoolError } from "../../../manager/src/pool";
import type { PoolErrorCode } from "../../../manager/src/pool";
import { VERDICT_BY_CLASS, VERDICT_BY_CODE } from "../../../manager/src/errors/sqlstate-verdicts";
import fc from "../../support/fast-check";

const coded = (code: string, message = "", more: object = {}) => Object.assign(new Error(message), { code, ...more });

describe("SQLSTATE", () => {
  test.each<[string, ErrorClass, boolean]>([
    ["40P01", "deadlock", true], ["40001", "serialization", true], ["08006", "connection", true], ["08001", "connection", true], ["57P01", "connection", true], ["57P03", "connection", true], ["57P02", "connection", true],
    ["57014", "timeout", false], ["55P03", "timeout", true], ["25P03", "timeout", false], ["25P04", "timeout", false], ["57P05", "timeout", true],
    ["42501", "permission", false], ["28P01", "permission", false], ["28000", "permission", false], ["42P01", "schema", false], ["42703", "schema", false], ["3F000", "schema", false],
    ["23505", "constraint", false], ["23503", "constraint", false], ["44000", "constraint", false], ["22P02", "data", false], ["42601", "query", false], ["25P02", "transaction", false],
    ["53300", "resource", true], ["53100", "resource", false], ["53200", "resource", true], ["55006", "resource", true], ["3D000", "configuration", false], ["57P04", "configuration", false], ["F0000", "configuration", false],
    ["08007", "unknown-outcome", false], ["40003", "unknown-outcome", false], ["XX001", "integrity", false], ["XX000", "internal", false], ["P0001", "application", false], ["00000", "none", false], ["01000", "none", false],
  ])("%s is %s, retryable: %p", (code, errorClass, retryable) => {
    expect(classifyError(coded(code))).toMatchObject({ class: errorClass, retryable, code, meaning: SQLSTATES[code] });
  });

  test("a code of a later version is known by its class, one of no class is unknown", () => {
    expect(classifyError(coded("23Z99"))).toMatchObject({ class: "constraint", code: "23Z99" });
    expect(classifyError(coded("ZZ999"))).toMatchObject({ class: "unknown", retryable: false });
    expect(classifyError(coded("P2002"))).toMatchObject({ class: "unknown" });
  });

  test("every code has a meaning and a class, and no verdict is for a code that does not exist", () => {
    for (const code of Object.keys(SQLSTATES)) expect([code, classifyError({ code }).class]).not.toEqual([code, "unknown"]);
    expect(Object.keys(VERDICT_BY_CODE).filter((code) => !Object.hasOwn(SQLSTATES, code))).toEqual([]);
    expect([...new Set(Object.keys(SQLSTATES).map((code) => code.slice(0, 2)))].sort()).toEqual(Object.keys(VERDICT_BY_CLASS).sort());
  });

  test.each([
    ["53300", "sorry, too many clients already", "server-connection-limit"],
    ["53300", 'too many connections for role "payment_user"', "role-connection-limit"],
    ["53300", 'too many connections for database "payment_db"', "database-connection-limit"],
    ["57014", "canceling statement due to statement timeout", "statement-timeout"],
    ["57014", "canceling statement due to user request", "cancelled-by-request"],
    ["55P03", "canceling statement due to lock timeout", "lock-timeout"],
    ["55P03", 'could not obtain lock on row in relation "t"', "lock-not-available"],
    ["XX000", "tuple concurrently updated", "ddl-race"],
    ["XX000", "tuple concurrently deleted", "ddl-race"],
    ["XX000", "something else", "server-internal"],
    ["0A000", "cached plan must not change result type", "cached-plan-stale"],
    ["08P01", "query_wait_timeout", "pooler-queue-timeout"],
    ["08P01", "server DNS lookup failed", "pooler-refused"],
    ["08P01", "server conn crashed?", "pooler-refused"],
    ["28000", 'no pg_hba.conf entry for host "10.0.0.1", user "x", database "y", no encryption', "host-not-allowed"],
    ["28000", 'role "nobody" does not exist', "role-missing"],
    ["25006", "cannot execute INSERT in a read-only transaction", "read-only-server"],
  ])("%s, %j is %s", (code, message, kind) => {
    expect(classifyError(coded(code, message)).kind).toBe(kind);
  });

  test("a duplicate key in a catalog is a race of two definitions, in a table of the application it is a constraint", () => {
    expect(classifyError(coded("23505", "", { constraint: "pg_namespace_nspname_index" }))).toMatchObject({ class: "serialization", kind: "ddl-race", retryable: true });
    expect(classifyError(coded("23505", 'duplicate key value violates unique constraint "pg_type_typname_nsp_index"'))).toMatchObject({ kind: "ddl-race" });
    expect(classifyError(coded("23505", "", { constraint: "users_email_key" }))).toMatchObject({ class: "constraint", kind: "unique", retryable: false });
  });
});

describe("errors without a SQLSTATE", () => {
  test.each<[string, ErrorClass]>([
    ["Connection terminated unexpectedly", "connection"], ["Connection terminated", "connection"], ["Client has encountered a connection error and is not queryable", "connection"],
    ["timeout expired", "timeout"], ["timeout exceeded when trying to connect", "timeout"], ["Connection terminated due to connection timeout", "timeout"], ["Query read timeout", "timeout"],
    ["The server does not support SSL connections", "configuration"], ["There was an error establishing an SSL connection", "configuration"],
    ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string", "permission"], ["SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match", "permission"],
    ["Cannot use a pool after calling end on the pool", "internal"], ["Client was closed and is not queryable", "internal"], ["Release called on client which has already been released to the pool.", "internal"],
  ])("node-postgres' %j is %s", (message, errorClass) => {
    expect(classifyError(new Error(message))).toMatchObject({ class: errorClass, code: undefined });
  });

  test.each<[string, ErrorClass, boolean]>([
    ["ECONNREFUSED", "connection", true], ["ECONNRESET", "connection", true], ["EPIPE", "connection", true], ["ETIMEDOUT", "connection", true], ["ENOTFOUND", "connection", true], ["EAI_AGAIN", "connection", true], ["EHOSTUNREACH", "connection", true],
    ["EMFILE", "resource", true], ["CERT_HAS_EXPIRED", "configuration", false], ["ERR_TLS_CERT_ALTNAME_INVALID", "configuration", false], ["SELF_SIGNED_CERT_IN_CHAIN", "configuration", false], ["ERR_SSL_WRONG_VERSION_NUMBER", "configuration", false], ["ABORT_ERR", "cancelled", false], ["DATABASE_URL_PORT", "configuration", false],
  ])("%s is %s, retryable: %p", (code, errorClass, retryable) => {
    expect(classifyError(coded(code))).toMatchObject({ class: errorClass, retryable, code });
  });

  test("aborted and timed out signals are known by their name", () => {
    expect(classifyError(AbortSignal.abort().reason)).toMatchObject({ class: "cancelled" });
    expect(classifyError(new DOMException("late", "TimeoutError"))).toMatchObject({ class: "timeout" });
  });

  test("of several addresses that failed, the one with a reason beyond the network counts", () => {
    expect(classifyError(new AggregateError([coded("ECONNREFUSED"), coded("ENETUNREACH")]))).toMatchObject({ kind: "connect-refused" });
    expect(classifyError(new AggregateError([coded("ECONNREFUSED"), coded("CERT_HAS_EXPIRED")]))).toMatchObject({ class: "configuration" });
  });

  test("a wrapped error is found by its cause", () => {
    expect(classifyError(new Error("query failed", { cause: new Error("again", { cause: coded("40P01") }) }))).toMatchObject({ class: "deadlock", code: "40P01" });
  });

  test("what is known about nothing is unknown and promises nothing", () => {
    expect(classifyError(new Error("?"))).toMatchObject({ class: "unknown", retryable: false, code: undefined, message: "?" });
  });
});

describe("the pool's own errors", () => {
  test.each<[PoolErrorCode, ErrorClass, boolean]>([
    ["POOL_COMMIT_UNKNOWN", "unknown-outcome", false], ["POOL_QUERY_TIMEOUT", "timeout", false], ["POOL_ACQUIRE_TIMEOUT", "resource", false], ["POOL_CONNECT_TIMEOUT", "connection", true], ["POOL_VALIDATION_TIMEOUT", "connection", true], ["POOL_QUEUE_FULL", "resource", false],
    ["POOL_ACQUIRE_ABORTED", "cancelled", false], ["POOL_CLOSED", "internal", false], ["POOL_DOUBLE_RELEASE", "internal", false], ["POOL_OPTIONS_INVALID", "configuration", false], ["POOL_SESSION_UNSUPPORTED", "configuration", false],
  ])("%s is %s, retryable: %p", (code, errorClass, retryable) => {
    expect(classifyError(new PoolError(code, "it failed"))).toMatchObject({ class: errorClass, retryable, code });
  });

  test.each<[string, ErrorClass]>([["ECONNREFUSED", "connection"], ["53300", "resource"], ["28P01", "permission"], ["CERT_HAS_EXPIRED", "configuration"]])("a wait for a connection that ended because of %s is %s", (code, errorClass) => {
    expect(classifyError(new PoolError("POOL_ACQUIRE_TIMEOUT", "no connection", { cause: coded(code) }))).toMatchObject({ class: errorClass, code });
  });

  test("a wait for a connection whose cause says nothing is a lack of connections", () => {
    expect(classifyError(new PoolError("POOL_ACQUIRE_TIMEOUT", "no connection", { cause: new Error("?") }))).toMatchObject({ class: "resource", kind: "pool-exhausted" });
  });

  test("an unknown COMMIT and a late query are what they are, whatever lost connection is wrapped in them", () => {
    expect(classifyError(new PoolError("POOL_COMMIT_UNKNOWN", "lost", { cause: coded("ECONNRESET") }))).toMatchObject({ class: "unknown-outcome", userImpact: "data-at-risk", retryable: false, connectionUsable: false });
    expect(classifyError(new PoolError("POOL_QUERY_TIMEOUT", "late", { cause: coded("ECONNRESET") }))).toMatchObject({ class: "timeout", retryable: false, connectionUsable: false });
  });

  test("a query that is late in COMMIT leaves the outcome unknown, a wait that was called off leaves nothing behind", () => {
    expect(classifyError(new PoolError("POOL_QUERY_TIMEOUT", "late"), { phase: "commit" })).toMatchObject({ class: "unknown-outcome" });
    expect(classifyError(new PoolError("POOL_ACQUIRE_ABORTED", "aborted"), { phase: "commit" })).toMatchObject({ class: "cancelled" });
  });
});

describe("errors of sessions and retries", () => {
  test.each<[string, ErrorClass]>([["SESSION_DEADLINE", "timeout"], ["SESSION_ABORTED", "cancelled"], ["RETRY_DEADLINE", "timeout"], ["RETRY_ABORTED", "cancelled"], ["BREAKER_OPEN", "connection"], ["CONFIG_INVALID", "configuration"]])("%s is %s and never retried", (code, errorClass) => {
    expect(classifyError(coded(code))).toMatchObject({ class: errorClass, code, retryable: false });
  });
});

describe("errors of configuration, secrets, identity and the memory fallback", () => {
  test.each<[string, ErrorClass, boolean]>([
    ["CONFIG_POOL_OVER_BUDGET", "configuration", false], ["CONFIG_LOGIN_CHANGED", "configuration", false], ["SECRET_UNREADABLE", "configuration", false], ["SECRET_UNWRITABLE", "configuration", false],
    ["SECRET_SDK_MISSING", "configuration", false], ["SECRET_TIMEOUT", "timeout", true], ["IDENTITY_NO_KEY", "configuration", false], ["FALLBACK_OPTIONS", "configuration", false],
    ["FALLBACK_BUSY", "resource", false], ["FALLBACK_WAIT_TIMEOUT", "resource", false], ["FALLBACK_TIMEOUT", "timeout", false], ["FALLBACK_CLOSED", "internal", false], ["PROBE_TIMEOUT", "timeout", false],
  ])("%s is %s, retryable: %p", (code, errorClass, retryable) => {
    expect(classifyError(coded(code))).toMatchObject({ class: errorClass, code, retryable });
  });

  test("a full fallback makes the service unavailable, a setting that is wrong reaches a person", () => {
    for (const code of ["FALLBACK_BUSY", "FALLBACK_WAIT_TIMEOUT"]) expect(classifyError(coded(code))).toMatchObject({ userImpact: "service-unavailable", escalate: false });
    for (const code of ["SECRET_UNREADABLE", "CONFIG_POOL_OVER_BUDGET", "IDENTITY_NO_KEY"]) expect(classifyError(coded(code))).toMatchObject({ severity: "critical", escalate: true });
  });

  test("a secret file that is missing is no lost connection, and a probe is what it failed of", () => {
    expect(classifyError(new BulkheadError("SECRET_UNREADABLE", "the secret file cannot be read", { cause: coded("ENOENT") }))).toMatchObject({ class: "configuration" });
    expect(classifyError(new BulkheadError("PROBE_TIMEOUT", "no answer", { cause: coded("ECONNREFUSED") }))).toMatchObject({ class: "connection" });
  });
});

describe("after COMMIT was sent", () => {
  const atCommit = (error: unknown) => classifyError(error, { phase: "commit" });

  test.each([["ECONNRESET"], ["57P01"], ["08006"], ["57P02"]])("%s leaves the outcome unknown", (code) => {
    expect(atCommit(coded(code))).toMatchObject({ class: "unknown-outcome", retryable: false, escalate: true, code });
  });

  test.each([["Connection terminated unexpectedly"], ["Query read timeout"]])("%j leaves the outcome unknown", (message) => {
    expect(atCommit(new Error(message))).toMatchObject({ class: "unknown-outcome", retryable: false });
  });

  test.each<[string, ErrorClass]>([["40001", "serialization"], ["23503", "constraint"], ["40P01", "deadlock"], ["57014", "timeout"]])("%s is an answer: the transaction was rolled back", (code, errorClass) => {
    expect(atCommit(coded(code)).class).toBe(errorClass);
  });
});

describe("total", () => {
  const hostile: unknown[] = [
    new Proxy({}, { get: () => { throw new Error("no"); }, getPrototypeOf: () => { throw new Error("no"); }, has: () => { throw new Error("no"); }, ownKeys: () => { throw new Error("no"); } }),
    (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })(),
    Object.defineProperty({}, "code", { get: () => { throw new Error("no"); } }),
    Object.defineProperty(new Error("x"), "message", { get: () => { throw new Error("no"); } }),
    { code: Symbol("s"), message: 5n, name: null, cause: () => 1, errors: "text" },
    (() => { const a = new Error("a"); const b = new Error("b", { cause: a }); a.cause = b; return a; })(),
    (() => { const a = new AggregateError([], "a"); a.errors.push(a, a, a); return a; })(),
    new Proxy([], { get: (_t, key, receiver: unknown) => (key === "code" ? "" : receiver) }),
    Object.create(null), null, undefined, 0, NaN, "", "text", Symbol("s"), 1n, () => undefined, [],
  ];

  test("hostile values classify as unknown", () => {
    for (const value of hostile) expect(classifyError(value).class).toBe("unknown");
  });

  test("any value classifies, in any phase, always in the same shape", () => {
    const value = fc.oneof(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }), fc.record({ code: fc.anything(), message: fc.anything(), cause: fc.anything(), errors: fc.anything(), constraint: fc.anything() }), fc.nat(hostile.length - 1).map((index) => () => hostile[index]), fc.constantFrom(...Object.keys(SQLSTATES)).map((code) => ({ code })));
    fc.assert(fc.property(value, fc.constantFrom("connect" as const, "query" as const, "commit" as const), (thrown, phase) => {
      // fast-check itself cannot hold a hostile proxy, so those come wrapped in a function.
      const result = classifyError(typeof thrown === "function" ? (thrown as () => unknown)() : thrown, { phase });
      expect(Object.keys(result).sort()).toEqual(["class", "code", "connectionUsable", "escalate", "kind", "meaning", "message", "retry", "retryable", "severity", "userImpact"]);
      expect(result.retryable).toBe(result.retry !== "never");
      if (result.class === "unknown-outcome") expect(result.retryable).toBe(false);
      expect(result.message.length).toBeLessThanOrEqual(1_000);
    }), { numRuns: 2_000 });
  });

  test("names of Object's prototype are no codes", () => {
    for (const code of ["constructor", "__proto__", "toString", "hasOwnProperty"]) expect(classifyError({ code, name: code }).class).toBe("unknown");
  });

  test("the message holds no password", () => {
    expect(classifyError(new Error("cannot reach postgres://u:s3cr3t@h/x, password=s3cr3t")).message).not.toContain("s3cr3t");
  });
});

const vectors = path.join(process.env["BULKHEAD_SHARED"] ?? path.resolve(__dirname, "../../../../shared"), "vectors/sqlstate.json");

(existsSync(vectors) ? test : test.skip)("every SQLSTATE of the shared list is in the table", () => {
  const { codes } = JSON.parse(readFileSync(vectors, "utf8")) as { codes: { code: string; kind: string }[] };
  expect(codes).toHaveLength(267);
  for (const { code, kind } of codes) {
    expect([code, Object.hasOwn(SQLSTATES, code)]).toEqual([code, true]);
    expect([code, classifyError({ code }).class === "none"]).toEqual([code, kind !== "E"]);
  }
});
