import { WaitQueue } from "../../../manager/src/pool/queue";
import type { Priority, Queued } from "../../../manager/src/pool/queue";
import fc from "../../support/fast-check";

interface Caller extends Queued {
  readonly name: string;
}

const caller = (name: string, since: number, priority: Priority = "normal", user?: string): Caller => ({ name, since, priority, user, place: undefined });

/** Takes everybody out, in the order of service. */
function drain(queue: WaitQueue<Caller>): string[] {
  const names: string[] = [];
  for (let next = queue.first(); next !== undefined; next = queue.first()) {
    names.push(next.name);
    queue.delete(next);
  }
  return names;
}

test("callers of equal priority are served in the order they came", () => {
  const queue = new WaitQueue<Caller>(10, 1000);
  for (const name of ["a", "b", "c"]) queue.add(caller(name, 5));
  expect(drain(queue)).toEqual(["a", "b", "c"]);
});

test("a higher priority goes first, until the other has waited longer by the ageing of one level", () => {
  const queue = new WaitQueue<Caller>(10, 1000);
  queue.add(caller("low, since 0", 0, "low"));
  queue.add(caller("normal, since 500", 500));
  queue.add(caller("high, since 1400", 1400, "high"));
  queue.add(caller("high, since 1600", 1600, "high"));
  queue.add(caller("high, since 2100", 2100, "high"));
  expect(drain(queue)).toEqual(["high, since 1400", "normal, since 500", "high, since 1600", "low, since 0", "high, since 2100"]);
});

test("a caller who may not be served is passed over and keeps its place", () => {
  const queue = new WaitQueue<Caller>(10, 1000);
  queue.add(caller("a", 1, "normal", "greedy"));
  queue.add(caller("b", 2, "normal", "modest"));
  expect(queue.first(({ user }) => user !== "greedy")?.name).toBe("b");
  expect(queue.first()?.name).toBe("a");
});

test("a full queue refuses the newcomer, unless a caller of lower priority can make room", () => {
  const queue = new WaitQueue<Caller>(2, 1000);
  const low = caller("low", 1, "low");
  const normal = caller("normal", 2);
  queue.add(low);
  queue.add(normal);
  const another = caller("another low", 3, "low");
  expect(queue.add(another)).toBe(another);
  expect(queue.add(caller("high", 4, "high"))).toBe(low);
  expect(queue.size).toBe(2);
  expect(drain(queue)).toEqual(["high", "normal"]);
});

test("the order is by since + level × ageing, whatever is added and removed", () => {
  const priorities = fc.constantFrom<Priority>("high", "normal", "low");
  fc.assert(
    fc.property(fc.array(fc.record({ priority: priorities, gap: fc.nat(300), leaves: fc.boolean() }), { maxLength: 40 }), fc.nat(2000), (steps, ageingMs) => {
      const queue = new WaitQueue<Caller>(1000, ageingMs);
      let since = 0;
      const callers = steps.map(({ priority, gap }, index) => caller(String(index), (since += gap), priority));
      callers.forEach((each) => queue.add(each));
      callers.forEach((each, index) => steps[index]?.leaves && expect(queue.delete(each)).toBe(true));
      const left = callers.filter((_, index) => steps[index]?.leaves !== true);
      expect([...queue].map(({ name }) => name).sort()).toEqual(left.map(({ name }) => name).sort());
      const level = { high: 0, normal: 1, low: 2 };
      const key = ({ since: at, priority }: Caller): number => at + level[priority] * ageingMs;
      const served: Caller[] = [];
      for (let next = queue.first(); next !== undefined; next = queue.first()) {
        served.push(next);
        queue.delete(next);
      }
      expect(served.map(key)).toEqual(left.map(key).sort((a, b) => a - b));
      expect(queue.size).toBe(0);
    }),
  );
});

test("leaving twice is noticed", () => {
  const queue = new WaitQueue<Caller>(2, 0);
  const one = caller("one", 1);
  queue.add(one);
  expect(queue.delete(one)).toBe(true);
  expect(queue.delete(one)).toBe(false);
  expect(queue.size).toBe(0);
});
