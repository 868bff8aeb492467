
import { ClickHouseException } from "../../../manager/src/clickhouse/request";
import { classifyError } from "../../../manager/src/errors";
import fc from "../../support/fast-check";

/** As `@clickhouse/client` 1.23 throws it. */
function clientError(code: string, type: string, message: string): Error {
  return Object.assign(new Error(message), { code, type });
}

/** As 18.16 says it, which `@clickhouse/client` passes on without a number. */
function oldError(code: number, text: string): Error {
  return new Error(`Code: ${code}, e.displayText() = DB::Exception: ${text}, e.what() = DB::Exception\n`);
}

it.each([
  [516, "AUTHENTICATION_FAILED", "permission", "login-failed", false],
  [193, "WRONG_PASSWORD", "permission", "login-failed", false],
  [192, "UNKNOWN_USER", "permission", "login-failed", false],
  [497, "ACCESS_DENIED", "permission", "privilege-missing", false],
  [291, "DATABASE_ACCESS_DENIED", "permission", "privilege-missing", false],
  [452, "SETTING_CONSTRAINT_VIOLATION", "permission", "setting-constrained", false],
  [201, "QUOTA_EXCEEDED", "resource", "quota-exceeded", false],
  [202, "TOO_MANY_SIMULTANEOUS_QUERIES", "resource", "too-many-queries", true],
  [252, "TOO_MANY_PARTS", "resource", "too-many-parts", true],
  [241, "MEMORY_LIMIT_EXCEEDED", "resource", "query-memory-limit", false],
  [243, "NOT_ENOUGH_SPACE", "resource", "disk-full", false],
  [159, "TIMEOUT_EXCEEDED", "timeout", "statement-timeout", false],
  [394, "QUERY_WAS_CANCELLED", "cancelled", "statement-cancelled", false],
  [60, "UNKNOWN_TABLE", "schema", "schema-mismatch", false],
  [81, "UNKNOWN_DATABASE", "configuration", "database-missing", false],
  [62, "SYNTAX_ERROR", "query", "statement-wrong", false],
  [210, "NETWORK_ERROR", "connection", "connection-lost", true],
])("exception %i (%s) is %s: %s, retryable %s; as the client throws it, as old servers say it, and as this library does", (code, type, errorClass, kind, retryable) => {
  for (const error of [clientError(String(code), type, "something"), oldError(code, "something"), new ClickHouseException(code, `Code: ${code}. DB::Exception: something. (${type}) (version 25.8.1.1)`)]) {
    expect(classifyError(error)).toMatchObject({ class: errorClass, kind, retryable });
    expect(classifyError(new Error("wrapped", { cause: error }))).toMatchObject({ class: errorClass, kind });
  }
});

it("memory that the whole server has run out of may be there again in a moment, that of one query not", () => {
  expect(classifyError(clientError("241", "MEMORY_LIMIT_EXCEEDED", "Memory limit (total) exceeded: would use 7.2 GiB"))).toMatchObject({ kind: "server-memory-limit", retryable: true });
  expect(classifyError(clientError("241", "MEMORY_LIMIT_EXCEEDED", "Memory limit (for user) exceeded"))).toMatchObject({ kind: "query-memory-limit", retryable: false });
});

it("what the client itself ends is a deadline or a cancellation, and is not repeated", () => {
  expect(classifyError(new Error("Timeout error."))).toMatchObject({ class: "timeout", kind: "query-deadline", retryable: false });
  expect(classifyError(new Error("The user aborted a request."))).toMatchObject({ class: "cancelled", retryable: false });
});

it("a server that is down is a lost connection, whatever wraps it", () => {
  expect(classifyError(Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:8443"), { code: "ECONNREFUSED" }))).toMatchObject({ class: "connection", retryable: true });
});

it("errors of Postgres and of Node keep their verdicts, and a number that ClickHouse has no exception for promises nothing", () => {
  expect(classifyError(Object.assign(new Error("permission denied"), { code: "42501" }))).toMatchObject({ class: "permission", kind: "privilege-missing" });
  expect(classifyError(Object.assign(new Error("x"), { code: "9998" }))).toMatchObject({ class: "unknown", retryable: false });
  expect(classifyError(new Error("Code: 60 is what the manual says"))).toMatchObject({ class: "unknown" });
  fc.assert(fc.property(fc.anything(), fc.string(), (code, message) => void classifyError({ code, message })));
});
