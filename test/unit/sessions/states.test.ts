import { MANAGER_RECOVERIES, MANAGER_TRANSITIONS, SESSION_RECOVERIES, SESSION_TRANSITIONS, StateMachine, nextState } from "../../../manager/src/sessions/states";
import type { Transitions } from "../../../manager/src/sessions/states";
import fc from "../../support/fast-check";

type Table = Transitions<string, string>;
const tables: [string, Table, string, string[]][] = [
  ["manager", MANAGER_TRANSITIONS, "new", ["closed"]],
  ["session", SESSION_TRANSITIONS, "acquiring", ["done", "failed", "manual-intervention"]],
];

function reachable(table: Table, from: string): Set<string> {
  const found = new Set([from]);
  for (const state of found) for (const to of Object.values(table[state]!)) found.add(to!);
  return found;
}

describe.each(tables)("the %s machine", (_name, table, initial, terminals) => {
  test("reaches every state", () => {
    expect([...reachable(table, initial)].sort()).toEqual(Object.keys(table).sort());
  });

  test("can come to its end from every state, and goes nowhere from there", () => {
    for (const state of Object.keys(table)) expect(terminals.some((terminal) => reachable(table, state).has(terminal))).toBe(true);
    for (const terminal of terminals) expect(table[terminal]).toEqual({});
  });

  test("refuses every event that its table does not have, and stays where it was", () => {
    const events = [...new Set(Object.values(table).flatMap((row) => Object.keys(row)))];
    fc.assert(fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (sequence) => {
      const machine = new StateMachine(table, initial, undefined);
      for (const event of sequence) {
        const before = machine.state;
        const to = nextState(table, before, event);
        if (to === undefined) expect(() => machine.fire(event)).toThrow(expect.objectContaining({ code: "STATE_TRANSITION_INVALID" }) as Error);
        else machine.fire(event);
        expect(machine.state).toBe(to ?? before);
      }
    }));
  });
});

test("every error state says how it recovers and where it ends", () => {
  for (const recoveries of [MANAGER_RECOVERIES, SESSION_RECOVERIES]) for (const { recovery, fatalEnd } of Object.values(recoveries)) expect([recovery, fatalEnd]).not.toContain("");
  const errorStates = (table: Table): string[] => Object.keys(table).filter((state) => /-failed$|-invalid$|-refused$|-unknown$|^manual-intervention$/.test(state)).sort();
  expect(Object.keys(MANAGER_RECOVERIES).sort()).toEqual(errorStates(MANAGER_TRANSITIONS as Table));
  expect(Object.keys(SESSION_RECOVERIES).sort()).toEqual(errorStates(SESSION_TRANSITIONS as Table));
});

test.each(["commit-unknown", "rollback-failed"] as const)("nothing leads from %s back to the work", (state) => {
  expect(reachable(SESSION_TRANSITIONS as Table, state)).not.toContain("acquiring");
  expect(Object.keys(SESSION_TRANSITIONS[state])).toEqual(["destroy"]);
});
