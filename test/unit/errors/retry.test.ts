import { RetryBudget, retry } from "../../../manager/src/errors";
import type { Attempt, RetryOptions } from "../../../manager/src/errors";
import { TestClock, settle } from "./test-clock";
import fc from "../../support/fast-check";

const coded = (code: string) => Object.assign(new Error(code), { code });
let clock: TestClock;
let budget: RetryBudget;
beforeEach(() => {
  clock = new TestClock();
  budget = new RetryBudget();
});

/** Runs `outcomes` one per attempt; the last one repeats. */
async function run(outcomes: unknown[], options: RetryOptions = {}, prepare: (attempt: Attempt) => void = () => undefined): Promise<{ attempts: number; result: unknown }> {
  let attempts = 0;
  const promise = retry((attempt) => {
    prepare(attempt);
    const outcome = outcomes[Math.min(attempts, outcomes.length - 1)];
    attempts += 1;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }, { clock, budget, random: () => 1, ...options }).then((value) => ({ value }), (error: unknown) => ({ error }));
  await clock.advance(120_000);
  return { attempts, result: await promise };
}

test("a lost connection is tried again, and the value returned", async () => {
  expect(await run([coded("ECONNRESET"), coded("57P03"), "ok"])).toEqual({ attempts: 3, result: { value: "ok" } });
});

test("what repeating cannot mend is thrown at once", async () => {
  const error = coded("23505");
  expect(await run([error])).toEqual({ attempts: 1, result: { error } });
});

test("three attempts are all by default", async () => {
  expect((await run([coded("ECONNREFUSED")])).attempts).toBe(3);
});

test("the pauses are random up to 50 ms, 100 ms, ... 5 s", async () => {
  const delays: number[] = [];
  await run([coded("ECONNREFUSED")], { attemptsMax: 10, deadlineMs: 100_000, onRetry: ({ delayMs }) => delays.push(delayMs) });
  expect(delays).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
    const seen: number[] = [];
    void retry(() => Promise.reject(coded("ECONNREFUSED")), { clock, budget: new RetryBudget(), random: () => random, onRetry: ({ delayMs }) => seen.push(delayMs) }).catch(() => undefined);
    return seen.every((delayMs) => delayMs >= 0 && delayMs <= 50);
  }));
});

describe("writes", () => {
  const writing = (attempt: Attempt) => attempt.writeSent();

  test("after a write was sent, a lost connection is not retried", async () => {
    expect((await run([coded("ECONNRESET"), "ok"], {}, writing)).attempts).toBe(1);
  });

  test("unless it is idempotent", async () => {
    expect((await run([coded("ECONNRESET"), "ok"], { idempotent: true }, writing)).attempts).toBe(2);
  });

  test("a deadlock is retried, since the server has rolled back", async () => {
    expect((await run([coded("40P01"), "ok"], {}, writing)).attempts).toBe(2);
  });

  test("an unknown outcome is never retried, idempotent or not", async () => {
    expect((await run([coded("08007"), "ok"], { idempotent: true })).attempts).toBe(1);
    expect((await run([coded("ECONNRESET"), "ok"], { idempotent: true }, (attempt) => attempt.commitSent())).attempts).toBe(1);
  });
});

describe("budget", () => {
  test("ten retries empty it, and ten successes give one back", async () => {
    for (let call = 0; call < 10; call += 1) await run([coded("ECONNREFUSED")]);
    expect(budget.tokens).toBe(0);
    expect((await run([coded("ECONNREFUSED")])).attempts).toBe(1);
    for (let call = 0; call < 11; call += 1) await run(["ok"]);
    expect((await run([coded("ECONNREFUSED"), "ok"])).attempts).toBe(2);
  });

  test("it stays between 0 and 10, whatever happens", () => {
    fc.assert(fc.property(fc.array(fc.boolean()), (events) => {
      const bucket = new RetryBudget();
      for (const success of events) if (success) bucket.succeeded(); else bucket.take();
      return bucket.tokens >= 0 && bucket.tokens <= 10;
    }));
  });
});

describe("deadline and abort", () => {
  test("a pause that would pass the deadline is not begun", async () => {
    expect((await run([coded("ECONNREFUSED")], { deadlineMs: 120, attemptsMax: 9 })).attempts).toBe(2);
  });

  test("an attempt that still runs at the deadline is aborted and given up", async () => {
    let signal: AbortSignal | undefined;
    const promise = retry((attempt) => { signal = attempt.signal; return new Promise(() => undefined); }, { clock, budget, deadlineMs: 100 });
    const failed = expect(promise).rejects.toMatchObject({ code: "RETRY_DEADLINE" });
    await clock.advance(99);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    await failed;
    expect(signal?.aborted).toBe(true);
  });

  test("an answer that arrives in the turn after a late timer still counts", async () => {
    let answer: (value: string) => void = () => undefined;
    const promise = retry(() => new Promise<string>((resolve) => (answer = resolve)), { clock, budget, deadlineMs: 100 });
    await settle();
    clock.block(500);
    setImmediate(() => answer("late, but there"));
    expect(await promise).toBe("late, but there");
  });

  test("the caller's signal ends a pause and an attempt, and a signal already aborted lets nothing run", async () => {
    const controller = new AbortController();
    let attempts = 0;
    const promise = retry(() => { attempts += 1; throw coded("ECONNREFUSED"); }, { clock, budget, random: () => 1, signal: controller.signal });
    const failed = expect(promise).rejects.toMatchObject({ code: "RETRY_ABORTED" });
    await settle();
    controller.abort();
    await failed;
    expect(attempts).toBe(1);
    await expect(retry(() => { attempts += 1; }, { clock, budget, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "RETRY_ABORTED" });
    expect(attempts).toBe(1);
    expect(clock.pending).toBe(0);
  });
});
