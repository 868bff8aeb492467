import { Backpressure } from "../../../manager/src/pool/backpressure";
import fc from "../../support/fast-check";

test("a refusal halves what the pool allows itself, and a second without one gives one back", () => {
  const backpressure = new Backpressure(10);
  expect(backpressure.refused(8, 0)).toBe(5);
  expect(backpressure.effectiveMax(999)).toBe(5);
  expect(backpressure.effectiveMax(1000)).toBe(6);
  expect(backpressure.effectiveMax(3500)).toBe(8);
  expect(backpressure.raisesAt).toBe(4000);
  expect(backpressure.effectiveMax(60_000)).toBe(10);
  expect(backpressure.raisesAt).toBe(Infinity);
});

test("it never allows more than the server was seen to allow, nor less than one", () => {
  expect(new Backpressure(10).refused(2, 0)).toBe(2);
  expect(new Backpressure(10).refused(0, 0)).toBe(1);
});

test("after a refusal it pauses before it asks again", () => {
  const backpressure = new Backpressure(10, () => 0.5);
  expect(backpressure.nextAttemptAt).toBe(-Infinity);
  backpressure.refused(0, 1000);
  expect(backpressure.nextAttemptAt).toBe(1100);
});

test("what it allows stays between one and the maximum", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(fc.record({ open: fc.nat(100), afterMs: fc.nat(5000) })), (max, refusals) => {
      const backpressure = new Backpressure(max);
      let nowMs = 0;
      for (const { open, afterMs } of refusals) {
        nowMs += afterMs;
        backpressure.refused(Math.min(open, max), nowMs);
        expect(backpressure.effectiveMax(nowMs)).toBeGreaterThanOrEqual(1);
        expect(backpressure.effectiveMax(nowMs)).toBeLessThanOrEqual(max);
      }
      expect(backpressure.effectiveMax(nowMs + max * 1000)).toBe(max);
    }),
  );
});
