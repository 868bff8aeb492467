import { FallbackStore } from "../../../manager/src/memory";
import type { FallbackState, FallbackStoreOptions, JournalEntry } from "../../../manager/src/memory";
import { TestClock, settle } from "../errors/test-clock";

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
