import { Outage } from "../../../manager/src/pool/outage";
import fc from "../../support/fast-check";

test("the first failure is news, the next is not, and the first success ends it", () => {
  const outage = new Outage();
  expect(outage.succeeded()).toBe(false);
  expect(outage.failed(10)).toBe(true);
  expect(outage.failed(20)).toBe(false);
  expect(outage.downSince).toBe(10);
  expect(outage.succeeded()).toBe(true);
  expect(outage.down).toBe(false);
  expect(outage.nextAttemptAt).toBe(-Infinity);
});

test("the gap between attempts is drawn from 50 ms up to a sixtieth of the outage, within 80 ms and 5 s", () => {
  fc.assert(
    fc.property(fc.nat(3_600_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (ageMs, random) => {
      const outage = new Outage(() => random);
      outage.failed(0);
      outage.failed(ageMs);
      const gap = outage.nextAttemptAt - ageMs;
      expect(gap).toBeGreaterThanOrEqual(50);
      expect(gap).toBeLessThanOrEqual(Math.min(5000, Math.max(80, ageMs / 60)));
    }),
  );
});

test("a new caller does not have to wait for a long gap that was drawn before it came", () => {
  const outage = new Outage(() => 0.9);
  outage.failed(0);
  outage.attempted(600_000);
  expect(outage.nextAttemptAt).toBeGreaterThan(604_000);
  outage.arrived();
  expect(outage.nextAttemptAt).toBe(600_050);
});
