import { marginOf } from "../../../manager/src/sessions/deadline";
import { resolveSessionOptions } from "../../../manager/src/sessions/options";
import { controlsTransaction } from "../../../manager/src/sessions/session";
import { SessionCounters } from "../../../manager/src/sessions/counters";

test.each(["BEGIN", "begin;", " \n start  transaction read only", "COMMIT AND CHAIN", "END", "abort", "ROLLBACK", "rollback;", "ROLLBACK PREPARED 'x'", "PREPARE TRANSACTION 'x'"])("%j ends or begins a transaction", (text) => {
  expect(controlsTransaction(text)).toBe(true);
});

test.each(["SELECT 1", "SAVEPOINT a", "ROLLBACK TO a", "ROLLBACK TO SAVEPOINT a", "ROLLBACK WORK TO a", "RELEASE a", "PREPARE a AS SELECT 1", "EXPLAIN SELECT 1", "SELECT 'COMMIT'", "CREATE TABLE begin_of (n int)", "beginning", ""])("%j does not", (text) => {
  expect(controlsTransaction(text)).toBe(false);
});

test.each([[1, 100], [1_000, 100], [5_000, 500], [30_000, 2_000], [600_000, 2_000]])("a deadline of %i ms has a margin of %i ms", (deadlineMs, marginMs) => {
  expect(marginOf(deadlineMs)).toBe(marginMs);
});

test("a deadline without sense is refused", () => {
  for (const deadlineMs of [0, -1, NaN, Infinity, 2 ** 31]) expect(() => resolveSessionOptions({ deadlineMs })).toThrow(RangeError);
  expect(resolveSessionOptions({})).toMatchObject({ operation: "unnamed", readOnly: false, deadlineMs: 30_000 });
});

test("operations are counted in bounded memory", () => {
  const counters = new SessionCounters();
  for (let index = 0; index < 1_000; index++) {
    counters.begun();
    counters.ended(`operation ${index}`, 2, index % 2 === 0);
  }
  const operations = counters.operations();
  expect(Object.keys(operations)).toHaveLength(201);
  expect(operations["(other)"]).toEqual({ count: 800, failed: 400, totalMs: 1_600, maxMs: 2 });
  expect(counters.counts).toMatchObject({ started: 1_000, committed: 500, failed: 500, active: 0 });
});
