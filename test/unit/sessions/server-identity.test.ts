import { judgePrimary } from "../../../manager/src/sessions/server-identity";
import type { Epoch, ServerFacts } from "../../../manager/src/sessions/server-identity";
import fc from "../../support/fast-check";

const primary: Epoch = { systemIdentifier: "7", timeline: 3, startedAt: "1000.5" };
const seen = (facts: Partial<ServerFacts> = {}): ServerFacts => ({ inRecovery: false, versionNumber: 170_010, statementTimeoutMs: 0, ...primary, ...facts });

test.each<[string, Partial<ServerFacts>, string]>([
  ["the same server", {}, "same"],
  ["the same server, promoted in place", { timeline: 4 }, "same"],
  ["a standby", { inRecovery: true }, "PRIMARY_IN_RECOVERY"],
  ["a server of another cluster", { systemIdentifier: "8", startedAt: "2000" }, "PRIMARY_OTHER_CLUSTER"],
  ["a server whose timeline ended", { timeline: 2, startedAt: "2000" }, "PRIMARY_STALE"],
  ["a promoted standby that had run for longer", { timeline: 4, startedAt: "500" }, "new"],
  ["the same server after a restart", { startedAt: "2000" }, "new"],
  ["a server that ran already, on the same timeline", { startedAt: "500" }, "PRIMARY_SPLIT"],
  ["a server that was the primary before", { startedAt: "900", timeline: 4 }, "PRIMARY_SPLIT"],
  ["a server that does not tell, started before", { timeline: undefined, startedAt: "500" }, "new"],
])("%s is judged as it should be", (_what, facts, expected) => {
  const verdict = judgePrimary(primary, ["900"], seen(facts));
  expect(verdict.verdict === "refused" ? verdict.code : verdict.verdict).toBe(expected);
});

test("the first server is taken, unless it is a standby", () => {
  expect(judgePrimary(undefined, [], seen())).toMatchObject({ verdict: "new", epoch: primary });
  expect(judgePrimary(undefined, [], seen({ inRecovery: true }))).toMatchObject({ code: "PRIMARY_IN_RECOVERY" });
});

test("whatever servers answer in whatever order, timelines of accepted ones never go down, and no server comes back after another took over", () => {
  const server = fc.record({ timeline: fc.integer({ min: 1, max: 5 }), startedAt: fc.integer({ min: 1, max: 6 }).map(String), inRecovery: fc.boolean() });
  fc.assert(fc.property(fc.array(server, { maxLength: 30 }), (answers) => {
    let current: Epoch | undefined;
    const former: string[] = [];
    const accepted: Epoch[] = [];
    for (const answer of answers) {
      const verdict = judgePrimary(current, former, seen(answer));
      if (verdict.verdict !== "new") continue;
      if (current !== undefined) former.push(current.startedAt);
      current = verdict.epoch;
      accepted.push(verdict.epoch);
    }
    expect(accepted.map(({ timeline }) => timeline)).toEqual(accepted.map(({ timeline }) => timeline).sort());
    expect(new Set(accepted.map(({ startedAt }) => startedAt)).size).toBe(accepted.length);
  }));
});
