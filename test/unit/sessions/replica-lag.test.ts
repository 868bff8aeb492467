import { lagOf } from "../../../manager/src/sessions/replica";
import type { StandbyFacts } from "../../../manager/src/sessions/replica";

const standby = (facts: Partial<StandbyFacts> = {}): StandbyFacts => ({ inRecovery: true, receiver: 7, unreplayedBytes: 0, lastCommitAgeMs: 60_000, ...facts });

test("a standby that has replayed all that its receiver got is not behind, however long ago the last commit was", () => {
  expect(lagOf(standby(), null)).toBe(0);
});

test("one that has something left to replay, or no receiver, is behind by the age of the last commit", () => {
  expect(lagOf(standby({ unreplayedBytes: 8 }), 7)).toBe(60_000);
  expect(lagOf(standby({ receiver: null }), null)).toBe(60_000);
  expect(lagOf(standby({ receiver: null }), 7)).toBe(60_000);
  expect(lagOf(standby({ unreplayedBytes: null }), 7)).toBe(60_000);
});

test("a stream that was begun anew and brought nothing counts once its receiver had the time between two measurements", () => {
  const restarted = standby({ unreplayedBytes: -8_304 });
  expect(lagOf(restarted, null)).toBe(60_000);
  expect(lagOf(restarted, 6)).toBe(60_000);
  expect(lagOf(restarted, 7)).toBe(0);
});

test("without a replayed commit nothing is known, and a server that is no standby is never behind", () => {
  expect(lagOf(standby({ receiver: null, lastCommitAgeMs: null }), null)).toBeNull();
  expect(lagOf(standby({ inRecovery: false, receiver: null, unreplayedBytes: null, lastCommitAgeMs: null }), null)).toBe(0);
});
