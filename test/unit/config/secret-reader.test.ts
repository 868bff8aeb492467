import { SecretReader } from "../../../manager/src/config/secret-reader";
import { TestClock, settle } from "../errors/test-clock";

/** A store whose answers the test gives by hand. */
function store() {
  const calls: { resolve: (value: string) => void; reject: (error: Error) => void; signal: AbortSignal }[] = [];
  return { calls, read: (signal: AbortSignal) => new Promise<string>((resolve, reject) => void calls.push({ resolve, reject, signal })) };
}

test("callers that come at the same time share one reading", async () => {
  const { calls, read } = store();
  const reader = new SecretReader(read, { clock: new TestClock() });
  const all = Promise.all([reader.get(), reader.get({ refresh: true }), reader.get()]);
  await settle();
  expect(calls).toHaveLength(1);
  calls[0]?.resolve("a");
  expect(await all).toEqual(["a", "a", "a"]);
});

test("a value is kept for its time, then read anew", async () => {
  const clock = new TestClock();
  let reads = 0;
  const reader = new SecretReader(async () => `v${(reads += 1)}`, { clock, ttlMs: 1_000 });
  expect([await reader.get(), await reader.get()]).toEqual(["v1", "v1"]);
  await clock.advance(1_000);
  expect(await reader.get()).toBe("v2");
});

test("a refresh reads anew at once, but not again within a second, so a wrong password is no storm", async () => {
  const clock = new TestClock();
  let reads = 0;
  const reader = new SecretReader(async () => `v${(reads += 1)}`, { clock });
  await reader.get();
  await clock.advance(1_000);
  expect(await reader.get({ refresh: true })).toBe("v2");
  for (let call = 0; call < 50; call += 1) await reader.get({ refresh: true });
  expect(reads).toBe(2);
});

test("a failure is answered from memory for a while, then the store is asked again", async () => {
  const clock = new TestClock();
  let reads = 0;
  const reader = new SecretReader<string>(async () => Promise.reject(new Error(`down ${(reads += 1)}`)), { clock, negativeTtlMs: 5_000 });
  for (let call = 0; call < 10; call += 1) await expect(reader.get()).rejects.toThrow("down 1");
  await clock.advance(5_000);
  await expect(reader.get()).rejects.toThrow("down 2");
});

test("an old value stays in use while the store is down, except for a caller who knows that it is wrong", async () => {
  const clock = new TestClock();
  let down = false;
  const reader = new SecretReader(async () => (down ? Promise.reject(new Error("down")) : "v1"), { clock, ttlMs: 1_000 });
  await reader.get();
  down = true;
  await clock.advance(2_000);
  expect(await reader.get()).toBe("v1");
  expect(await reader.get()).toBe("v1");
  await expect(reader.get({ refresh: true })).rejects.toThrow("down");
});

test("a store that never answers is given up on, its signal aborted and no timer left", async () => {
  const clock = new TestClock();
  const { calls, read } = store();
  const reader = new SecretReader(read, { clock, timeoutMs: 3_000 });
  const outcome = reader.get().catch((error: unknown) => error);
  await clock.advance(3_000);
  expect(await outcome).toMatchObject({ code: "SECRET_TIMEOUT" });
  expect(calls[0]?.signal.aborted).toBe(true);
  expect(clock.pending).toBe(0);
});
