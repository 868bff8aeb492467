import { DurationHistogram, QUANTILE_ERROR } from "../../../manager/src/monitor/duration-histogram";
import fc from "../../support/fast-check";

/** From 16 µs to 67 s, each order of magnitude as likely as the next. */
const duration = fc.double({ min: Math.log(0.016), max: Math.log(67_000), noNaN: true }).map(Math.exp);

function filled(values: readonly number[]): DurationHistogram {
  const histogram = new DurationHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

function exactQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
}

describe("DurationHistogram", () => {
  test("every quantile is off by at most 3.2 % of itself, and half a microsecond", () => {
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 300 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const exact = exactQuantile(values, q);
        expect(Math.abs(filled(values).quantile(q) - exact)).toBeLessThanOrEqual(exact * QUANTILE_ERROR + 0.0011);
      }),
    );
  });

  test("count, sum, mean and maximum are exact", () => {
    const histogram = filled([1, 2, 3.5]);
    expect([histogram.count, histogram.sumMs, histogram.maxMs]).toEqual([3, 6.5, 3.5]);
    expect(histogram.meanMs).toBeCloseTo(6.5 / 3);
  });

  test("two added together are as one that saw everything", () => {
    fc.assert(
      fc.property(fc.array(duration, { maxLength: 50 }), fc.array(duration, { maxLength: 50 }), fc.constantFrom(0.1, 0.5, 0.99), (left, right, q) => {
        const sum = filled(left);
        sum.add(filled(right));
        const whole = filled([...left, ...right]);
        expect([sum.count, sum.maxMs, sum.quantile(q)]).toEqual([whole.count, whole.maxMs, whole.quantile(q)]);
      }),
    );
  });

  test("counts of what is at most so long grow with it, and end with all", () => {
    fc.assert(
      fc.property(fc.array(duration, { maxLength: 100 }), duration, duration, (values, a, b) => {
        const histogram = filled(values);
        expect(histogram.countAtMost(Math.min(a, b))).toBeLessThanOrEqual(histogram.countAtMost(Math.max(a, b)));
        expect(histogram.countAtMost(Infinity)).toBe(values.length);
      }),
    );
  });

  test.each([0, -5, 0.0001, 67_108, 67_109, 1e9, 1e15])("takes %p ms", (ms) => {
    const histogram = filled([ms]);
    expect(histogram.count).toBe(1);
    expect(histogram.quantile(0.5)).toBeLessThanOrEqual(Math.max(0, ms));
  });

  test("a quantile beyond the last bucket is the longest duration", () => {
    expect(filled([1, 90_000, 300_000]).quantile(0.99)).toBe(300_000);
  });

  test("an empty one says 0", () => {
    expect([new DurationHistogram().quantile(0.99), new DurationHistogram().meanMs]).toEqual([0, 0]);
  });
});
