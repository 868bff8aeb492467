import { PoolError, isLastWord, isTooManyClients, isUnreachable, sqlstateOf, toError } from "../../../manager/src/pool/errors";
import { commitError, isCommit } from "../../../manager/src/pool/query";

const serverError = (code: string): Error => Object.assign(new Error("from the server"), { code, severity: "FATAL" });
const systemError = (code: string): Error => Object.assign(new Error("from the system"), { code });

test.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENOTFOUND"])("%s means that the database cannot be reached", (code) => {
  expect(isUnreachable(systemError(code))).toBe(true);
});

test.each(["57P01", "57P02", "57P03", "08006"])("SQLSTATE %s means that the database cannot be reached", (code) => {
  expect(isUnreachable(serverError(code))).toBe(true);
});

test.each(["28P01", "3D000", "42501", "53300"])("SQLSTATE %s is the word of a server that is there", (code) => {
  expect(isUnreachable(serverError(code))).toBe(false);
});

const pgBouncerError = (message: string): Error => Object.assign(new Error(message), { code: "08P01", severity: "FATAL" });

test.each(["server login has been failing, try again later (server_login_retry)", "pgbouncer cannot connect to server", "server conn crashed?", "client_login_timeout (server down)", "server DNS lookup failed"])(
  "%j of PgBouncer means that the database cannot be reached",
  (message) => {
    expect([isUnreachable(pgBouncerError(message)), isTooManyClients(pgBouncerError(message))]).toEqual([true, false]);
  },
);

test.each(["no more connections allowed (max_client_conn)", "no more connections allowed (max_user_client_connections)", "query_wait_timeout"])("%j of PgBouncer means that it has no room", (message) => {
  expect([isUnreachable(pgBouncerError(message)), isTooManyClients(pgBouncerError(message))]).toEqual([false, true]);
});

test("PgBouncer's word for a mistake of the client is neither, and its words in another error mean nothing", () => {
  const mistake = pgBouncerError("unsupported startup parameter in options: statement_timeout");
  const other = Object.assign(new Error('relation "query_wait_timeout" does not exist'), { code: "42P01", severity: "ERROR" });
  for (const error of [mistake, other]) expect([isUnreachable(error), isTooManyClients(error)]).toEqual([false, false]);
});

test.each([["57P01", "FATAL"], ["25P04", "FATAL"], ["57P01", "ВАЖНО"], ["40001", "FATAL"], ["08P01", "FATAL"], ["XX000", "PANIC"]])("%s with severity %s is the server's last word on its connection", (code, severity) => {
  expect(isLastWord({ code, severity })).toBe(true);
});

test.each([["40001", "ERROR"], ["57014", "ERROR"], ["08P01", "ERROR"], [undefined, undefined]])("%s with severity %s is not", (code, severity) => {
  expect(isLastWord({ code, severity })).toBe(false);
});

test("several addresses that all refuse are one refusal", () => {
  expect(isUnreachable(new AggregateError([systemError("ECONNREFUSED"), systemError("ECONNREFUSED")]))).toBe(true);
});

test("the driver's errors without a code are known by their words", () => {
  expect(isUnreachable(new Error("Connection terminated unexpectedly"))).toBe(true);
  expect(isUnreachable(new Error("The server does not support SSL connections"))).toBe(false);
});

test("EPIPE is five capital letters and no SQLSTATE", () => {
  expect(sqlstateOf(systemError("EPIPE"))).toBeUndefined();
  expect(sqlstateOf(serverError("57P03"))).toBe("57P03");
  expect(isTooManyClients(serverError("53300"))).toBe(true);
});

test("a pool's error carries the counts, and the SQLSTATE of what lies under it", () => {
  const error = new PoolError("POOL_ACQUIRE_TIMEOUT", "no connection", { cause: serverError("53300"), counts: { total: 3, idle: 0, waiting: 7 } });
  expect(error).toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT", sqlstate: "53300", total: 3, idle: 0, waiting: 7 });
});

test("anything thrown becomes an Error", () => {
  expect(toError("text").message).toBe("text");
  const error = new Error("itself");
  expect(toError(error)).toBe(error);
});

test.each(["COMMIT", "commit", " \n\tCommit;", "END", "commit and chain", "PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'"])("%j ends a transaction for good", (text) => {
  expect(isCommit(text)).toBe(true);
});

test.each(["SELECT 1", "commitments", "CREATE TABLE t ()", "explain select 1", "PREPARE s AS SELECT 1", "ROLLBACK", ""])("%j does not", (text) => {
  expect(isCommit(text)).toBe(false);
});

test.each([systemError("ECONNRESET"), new Error("Connection terminated unexpectedly"), serverError("57P01"), serverError("08007"), serverError("40003")])(
  "%s at COMMIT means that its outcome is unknown",
  (cause) => {
    expect(commitError(cause)).toMatchObject({ code: "POOL_COMMIT_UNKNOWN", cause });
  },
);

test.each([serverError("40001"), serverError("23505"), new Error("Client has encountered a connection error and is not queryable")])("%s at COMMIT means that nothing was committed", (error) => {
  expect(commitError(error)).toBe(error);
});
