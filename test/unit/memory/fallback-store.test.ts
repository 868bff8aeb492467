import { FallbackStore } from "../../../manager/src/memory";
import type { FallbackState, FallbackStoreOptions, JournalEntry } from "../../../manager/src/memory";
import { TestClock, settle } from "../errors/test-clock";
import fc from "../../support/fast-check";

const refused = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const lost = () => new Error("Connection terminated unexpectedly");

/** A primary that the test switches off and on, with the writes that were merged into it. */
function setUp(options: Partial<FallbackStoreOptions<{ emails: string[] }>> = {}) {
  const clock = new TestClock();
  const primary = { emails: [] as string[], error: undefined as Error | undefined };
  const states: FallbackState[] = [];
  let probes = 0;
  let underWay = 0;
  let mostUnderWay = 0;
  const store = new FallbackStore<{ emails: string[] }>({
    primary,
    clock,
    random: () => 1,
    probe: async () => {
      probes += 1;
      underWay += 1;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      await settle();
      underWay -= 1;
      if (primary.error !== undefined) throw primary.error;
    },
    merge: async (entry: JournalEntry) => {
      if (primary.error !== undefined) throw primary.error;
      if (entry.table === "users" && entry.row !== undefined) primary.emails.push(entry.row.email);
    },
    onStateChange: ({ to }) => void states.push(to),
    ...options,
  });
  const write = (email: string) =>
    store.run({
      primary: async ({ emails }) => {
        if (primary.error !== undefined) throw primary.error;
        emails.push(email);
      },
      memory: async (memory) => void (await memory.users.create({ email })),
    });
  const count = () =>
    store.run({
      readOnly: true,
      primary: async ({ emails }) => {
        if (primary.error !== undefined) throw primary.error;
        return emails.length;
      },
      memory: (memory) => memory.users.count(),
    });
  return { clock, primary, store, states, write, count, probes: () => probes, mostUnderWay: () => mostUnderWay };
}

test("operations go to the primary while it is there", async () => {
  const { store, write, primary } = setUp();
  await write("a@b");
  expect(primary.emails).toEqual(["a@b"]);
  expect(store.health()).toMatchObject({ status: "healthy", state: "primary" });
});

test("when it is gone they go to memory, degraded; when it is back everything is merged in order, and nothing is lost or doubled", async () => {
  const { clock, primary, store, states, write } = setUp();
  await write("0@b");
  primary.error = refused();
  for (let number = 1; number <= 300; number += 1) await write(`${number}@b`);
  expect(store.health()).toMatchObject({ status: "degraded", state: "memory", reason: "the primary is gone: connect-refused", memory: { rowsTotal: 300, journalLength: 300 } });
  primary.error = undefined;
  await clock.advance(500);
  expect(store.health()).toMatchObject({ status: "healthy", state: "primary", merged: 300, memory: { rowsTotal: 0, journalLength: 0 } });
  expect(primary.emails).toEqual(Array.from({ length: 301 }, (_each, number) => `${number}@b`));
  expect(states).toEqual(["memory", "merging", "returning", "primary"]);
  expect(clock.pending).toBe(0);
});

test("there is one prober, with pauses that double up to a bound", async () => {
  const { clock, primary, write, probes, mostUnderWay } = setUp({ probeMinMs: 500, probeMaxMs: 4_000 });
  primary.error = refused();
  await Promise.all(Array.from({ length: 50 }, (_each, number) => write(`${number}@b`)));
  const counts: number[] = [];
  for (const ms of [499, 1, 1_000, 2_000, 4_000, 4_000]) {
    await clock.advance(ms);
    counts.push(probes());
  }
  expect(counts).toEqual([0, 1, 2, 3, 4, 5]);
  expect(mostUnderWay()).toBe(1);
});

test("a write that failed in the middle is not repeated on memory, since it may have happened; a read is", async () => {
  const { primary, store, write, count } = setUp();
  primary.error = lost();
  await expect(write("a@b")).rejects.toThrow("Connection terminated");
  expect(store.memory.stats().rowsTotal).toBe(0);
  expect(store.state).toBe("memory");
  const fresh = setUp();
  fresh.primary.error = lost();
  expect(await fresh.count()).toBe(0);
  expect(await count()).toBe(0);
});

test("an error of a single statement is the caller's and changes nothing", async () => {
  const { primary, store, write } = setUp();
  primary.error = Object.assign(new Error("duplicate key"), { code: "23505" });
  await expect(write("a@b")).rejects.toThrow("duplicate key");
  expect(store.state).toBe("primary");
});

test("a merge that fails keeps its entry and the ones behind it, stays degraded and tries again", async () => {
  const { clock, primary, store, write } = setUp();
  primary.error = refused();
  for (const name of ["a", "b", "c"]) await write(`${name}@b`);
  let allowed = 1;
  primary.error = undefined;
  const emails: string[] = [];
  Object.defineProperty(primary, "emails", { get: () => ({ push: (email: string) => { if (allowed-- <= 0) throw new Error("conflict"); emails.push(email); } }) });
  await clock.advance(500);
  expect(store.health()).toMatchObject({ status: "degraded", state: "memory", mergeError: "conflict", merged: 1, memory: { journalLength: 2 } });
  allowed = 10;
  await clock.advance(1_000);
  expect(emails).toEqual(["a@b", "b@b", "c@b"]);
  expect(store.state).toBe("primary");
});

test("operations that come during the last merges wait, and then see the primary with everything in it", async () => {
  let letMerge = (): void => undefined;
  const { clock, primary, store, write, count } = setUp({
    merge: async (entry) => {
      await new Promise<void>((resolve) => (letMerge = resolve));
      if (entry.table === "users" && entry.row !== undefined) primary.emails.push(entry.row.email);
    },
  });
  primary.error = refused();
  await write("a@b");
  primary.error = undefined;
  await clock.advance(500);
  expect(store.state).toBe("returning");
  const counted = count();
  await settle();
  letMerge();
  expect(await counted).toBe(1);
  expect(store.state).toBe("primary");
});

test("the return waits for operations that are under way on memory, and merges what they write", async () => {
  const { clock, primary, store, write } = setUp();
  primary.error = refused();
  await write("a@b");
  let finish = (): void => undefined;
  const slow = store.run({ primary: async () => undefined, memory: async (memory) => {
    await new Promise<void>((resolve) => (finish = resolve));
    await memory.users.create({ email: "slow@b" });
  } });
  primary.error = undefined;
  await clock.advance(500);
  expect(store.state).toBe("returning");
  finish();
  await slow;
  await settle();
  expect([store.state, primary.emails]).toEqual(["primary", ["a@b", "slow@b"]]);
});

test("merging ends also where each merge takes as long as two writes: the rest is merged while new work waits, and nothing is lost", async () => {
  let written = 0;
  let last: Promise<unknown> | undefined;
  const underWay: Promise<unknown>[] = [];
  const { clock, primary, store, states, write } = setUp({
    merge: async (entry) => {
      // Bounded, so that a merge which never ends fails here and not by hanging.
      for (let count = 0; count < 2 && store.state === "merging" && written < 5_000; count += 1) underWay.push(write(`${(written += 1)}@b`));
      if (store.state === "returning") last ??= write("last@b");
      if (entry.table === "users" && entry.row !== undefined) primary.emails.push(entry.row.email);
    },
  });
  primary.error = refused();
  while (written < 200) await write(`${(written += 1)}@b`);
  primary.error = undefined;
  await clock.advance(500);
  await Promise.all([...underWay, last]);
  expect(written).toBeLessThanOrEqual(600);
  expect(states).toEqual(["memory", "merging", "returning", "primary"]);
  expect(primary.emails).toEqual([...Array.from({ length: written }, (_each, number) => `${number + 1}@b`), "last@b"]);
  expect([store.health().memory.journalLength, clock.pending]).toEqual([0, 0]);
});

test("however fast writes come in while merging, and wherever a merge fails: each write is in the primary once, in the order of its execution, and merging is bounded", async () => {
  const merges = fc.array(fc.record({ writes: fc.integer({ min: 0, max: 3 }), fails: fc.boolean() }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 300 }), merges, async (before, steps) => {
      const executed: string[] = [];
      const underWay: Promise<void>[] = [];
      let step = 0;
      let written = 0;
      let mergingMax = 0;
      const { clock, primary, store } = setUp({
        probeMinMs: 1,
        probeMaxMs: 1,
        waitingMax: 3_000,
        merge: async (entry) => {
          const { writes, fails } = steps[step++ % steps.length]!;
          for (let count = 0; count < writes && written < 3_000; count += 1) underWay.push(writeNext());
          // Not for ever: the primary is back for good at some time.
          if (fails && step < 3 * steps.length) throw new Error("no");
          if (store.state === "merging") expect((mergingMax -= 1)).toBeGreaterThanOrEqual(0);
          if (entry.table === "users" && entry.row !== undefined) primary.emails.push(entry.row.email);
        },
        // Ten rounds, none of which finds more than the first.
        onStateChange: ({ to }) => void (to === "merging" && (mergingMax = 10 * store.memory.journal.length)),
      });
      const writeNext = (): Promise<void> => {
        const email = `${(written += 1)}@b`;
        return store.run({
          primary: async ({ emails }) => {
            if (primary.error !== undefined) throw primary.error;
            executed.push(email);
            emails.push(email);
          },
          memory: async (memory) => {
            executed.push(email);
            await memory.users.create({ email });
          },
        });
      };
      primary.error = refused();
      for (let count = 0; count < before; count += 1) await writeNext();
      primary.error = undefined;
      for (let turn = 0; turn < 200 && store.state !== "primary"; turn += 1) await clock.advance(1);
      await Promise.all(underWay);
      expect(store.state).toBe("primary");
      expect(primary.emails).toEqual(executed);
      expect(executed).toHaveLength(written);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test("an operation waits for the return only so long: then it fails with nothing done, and who comes later goes on when the merge ends", async () => {
  let letMerge = (): void => undefined;
  const { clock, primary, store, write } = setUp({ merge: () => new Promise((resolve) => (letMerge = resolve)), mergeTimeoutMs: 60_000, waitTimeoutMs: 3_000 });
  primary.error = refused();
  await write("a@b");
  primary.error = undefined;
  await clock.advance(500);
  const early = write("early@b").then(() => "done", ({ code, message }: { code: string; message: string }) => ({ code, message }));
  await clock.advance(2_000);
  const late = write("late@b");
  await clock.advance(1_000);
  expect(await early).toEqual({ code: "FALLBACK_WAIT_TIMEOUT", message: expect.stringContaining("1 writes still wait") as string });
  expect([store.state, primary.emails, store.memory.stats().rowsTotal]).toEqual(["returning", [], 1]);
  letMerge();
  await late;
  expect([store.state, primary.emails, clock.pending]).toEqual(["primary", ["late@b"], 0]);
});

test("where a merge fails during the return, what waits goes to memory, and is merged behind what was there", async () => {
  let failing = true;
  let letFail = (): void => undefined;
  const { clock, primary, store, states, write } = setUp({
    merge: async (entry) => {
      if (failing) await new Promise<void>((_resolve, reject) => (letFail = () => reject(new Error("conflict"))));
      if (entry.table === "users" && entry.row !== undefined) primary.emails.push(entry.row.email);
    },
  });
  primary.error = refused();
  await write("a@b");
  primary.error = undefined;
  await clock.advance(500);
  const waiting = [write("b@b"), write("c@b")];
  await settle();
  failing = false;
  letFail();
  await Promise.all(waiting);
  expect(store.health()).toMatchObject({ state: "memory", mergeError: "conflict", memory: { journalLength: 3 } });
  await clock.advance(1_000);
  expect(primary.emails).toEqual(["a@b", "b@b", "c@b"]);
  expect(states).toEqual(["memory", "merging", "returning", "memory", "merging", "returning", "primary"]);
});

test("a merge that hangs is given up on: the store stays on memory and whoever waits goes on", async () => {
  const { clock, primary, store, write, count } = setUp({ merge: () => new Promise(() => undefined), mergeTimeoutMs: 2_000 });
  primary.error = refused();
  await write("a@b");
  primary.error = undefined;
  await clock.advance(500);
  const waiting = count();
  await clock.advance(2_000);
  expect(await waiting).toBe(1);
  expect(store.health()).toMatchObject({ state: "memory", memory: { journalLength: 1 } });
  store.close();
});

test("the number of operations that wait is bounded", async () => {
  const { clock, primary, write, count, store } = setUp({ merge: () => new Promise(() => undefined), waitingMax: 1 });
  primary.error = refused();
  await write("a@b");
  primary.error = undefined;
  await clock.advance(500);
  const first = count();
  await expect(count()).rejects.toMatchObject({ code: "FALLBACK_BUSY" });
  store.close();
  await expect(first).rejects.toMatchObject({ code: "FALLBACK_CLOSED" });
});

test("a request probes where the timer could not fire, as on a CPU that sleeps between requests", async () => {
  const { clock, primary, write, probes } = setUp();
  primary.error = refused();
  await write("a@b");
  // Time passes without the timers.
  const schedule = clock.nowMs.bind(clock);
  clock.nowMs = () => schedule() + 10_000;
  await write("b@b");
  await settle();
  expect(probes()).toBe(1);
});

test("a store that starts on memory looks for its primary from the beginning", async () => {
  const { clock, store } = setUp({ initial: "memory" });
  expect(store.health().status).toBe("degraded");
  await clock.advance(500);
  expect(store.state).toBe("primary");
});

test("close leaves no timer, refuses what comes, and keeps what is not merged", async () => {
  const { clock, primary, store, write } = setUp();
  primary.error = refused();
  await write("a@b");
  store.close();
  expect(clock.pending).toBe(0);
  await expect(write("b@b")).rejects.toMatchObject({ code: "FALLBACK_CLOSED" });
  expect(store.memory.journal.length).toBe(1);
});
