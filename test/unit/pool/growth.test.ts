import { connectionsToOpen, smoothed } from "../../../manager/src/pool/growth";
import type { GrowthInput } from "../../../manager/src/pool/growth";
import fc from "../../support/fast-check";

const input = (change: Partial<GrowthInput>): GrowthInput => ({ waiting: 1, longestWaitMs: 0, open: 5, connecting: 0, room: 45, holdMs: 2, connectMs: 150, ...change });

test("a spike that the open connections work off sooner than one opens makes none", () => {
  expect(connectionsToOpen(input({ waiting: 45 }))).toBe(0);
});

test("a cold pool opens one for each caller, as far as there is room", () => {
  expect(connectionsToOpen(input({ waiting: 30, open: 0, room: 9, holdMs: undefined, connectMs: undefined }))).toBe(9);
  expect(connectionsToOpen(input({ waiting: 3, open: 0, room: 9, holdMs: 1, connectMs: 1 }))).toBe(3);
});

test("nothing measured yet means one for each caller", () => {
  expect(connectionsToOpen(input({ waiting: 4, holdMs: undefined }))).toBe(4);
});

test("loans that last longer than opening takes are worth a connection", () => {
  expect(connectionsToOpen(input({ waiting: 2, open: 1, holdMs: 500, connectMs: 5 }))).toBe(2);
});

test("a caller that has waited as long as opening takes gets one, whatever the mean says", () => {
  expect(connectionsToOpen(input({ waiting: 1, longestWaitMs: 150 }))).toBe(1);
});

test("connections under way count as made", () => {
  expect(connectionsToOpen(input({ waiting: 3, open: 0, connecting: 3 }))).toBe(0);
  expect(connectionsToOpen(input({ waiting: 5, open: 0, connecting: 3 }))).toBe(2);
});

test("never opens more than there are callers without one, nor than there is room", () => {
  const some = fc.nat(200);
  const ms = fc.option(fc.double({ min: 0, max: 10_000, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(some, some, some, some, fc.integer({ min: -5, max: 100 }), ms, ms, (waiting, longestWaitMs, open, connecting, room, holdMs, connectMs) => {
      const count = connectionsToOpen({ waiting, longestWaitMs, open, connecting, room, holdMs, connectMs });
      expect(Number.isInteger(count)).toBe(true);
      expect(count).toBeGreaterThanOrEqual(0);
      expect(count).toBeLessThanOrEqual(Math.max(0, Math.min(room, waiting - connecting)));
    }),
  );
});

test("a running mean starts at the first sample and stays between its samples", () => {
  expect(smoothed(undefined, 7)).toBe(7);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (samples) => {
      const mean = samples.reduce<number | undefined>((sofar, sample) => smoothed(sofar, sample), undefined) ?? NaN;
      expect(mean).toBeGreaterThanOrEqual(Math.min(...samples) - 1e-6);
      expect(mean).toBeLessThanOrEqual(Math.max(...samples) + 1e-6);
    }),
  );
});
