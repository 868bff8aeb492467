import type { MigrationFile } from "../../../manager/src/migrate/files";
import type { HistoryRow } from "../../../manager/src/migrate/history";
import { migrationsToRun, planMigrations, schemaVersionOf } from "../../../manager/src/migrate/plan-migrations";
import fc from "../../support/fast-check";

const file = (version: number, checksum = `sum${version}`): MigrationFile => ({
  version,
  name: `step_${version}`,
  path: `schemas/x/${version}_step_${version}.sql`,
  rollbackPath: "",
  sql: "",
  checksum,
});

const row = (version: number, changes: Partial<HistoryRow> = {}): HistoryRow => ({
  version,
  name: `step_${version}`,
  checksum: `sum${version}`,
  state: "applied",
  transactional: true,
  statementsDone: 1,
  doneChecksum: "",
  error: null,
  appliedAt: new Date(0),
  appliedBy: "x_migrator",
  executionMs: 1,
  ...changes,
});

const states = (files: MigrationFile[], history: HistoryRow[]): Record<number, string> =>
  Object.fromEntries(planMigrations(files, history).map(({ version, state }) => [version, state]));

test("a file that is not in the history is pending, and one that is there unchanged is applied", () => {
  expect(states([file(1), file(2)], [row(1)])).toEqual({ 1: "applied", 2: "pending" });
});

test("a file that was only renamed is still applied", () => {
  expect(states([{ ...file(1), name: "other" }], [row(1)])).toEqual({ 1: "applied" });
});

test("an applied file with another checksum is edited", () => {
  expect(states([file(1, "other")], [row(1)])).toEqual({ 1: "edited" });
});

test("an applied version without a file is missing", () => {
  expect(states([file(2)], [row(1), row(2)])).toEqual({ 1: "missing", 2: "applied" });
});

test("a file with a lower number than the newest applied one is out of order", () => {
  expect(states([file(1), file(2), file(3)], [row(1), row(3)])).toEqual({ 1: "applied", 2: "out-of-order", 3: "applied" });
});

test("a failed migration is run again, also after its file was edited", () => {
  const files = [file(1), file(2, "mended")];
  const history = [row(1), row(2, { state: "failed" })];
  expect(states(files, history)).toEqual({ 1: "applied", 2: "failed" });
  expect(migrationsToRun(planMigrations(files, history), "x").map(({ version }) => version)).toEqual([2]);
});

test("a failed migration that was rolled back and whose file is gone is forgotten", () => {
  expect(states([file(1)], [row(1), row(2, { state: "failed" })])).toEqual({ 1: "applied" });
});

test("a half-done migration without transaction whose file is gone is missing", () => {
  expect(states([file(1)], [row(1), row(2, { state: "running", transactional: false })])).toEqual({ 1: "applied", 2: "missing" });
});

test("edited, missing and out-of-order files and unfinished rollbacks are refused in one error that names each", () => {
  const files = [file(1, "other"), file(3), file(5), file(6)];
  const history = [row(1), row(2), row(5), row(6, { state: "rolling_back", transactional: false })];
  expect(() => migrationsToRun(planMigrations(files, history), "x")).toThrow(
    expect.objectContaining({
      code: "MIGRATION_HISTORY_DIFFERS",
      message: expect.stringMatching(/1_step_1\.sql: edited[^]*002_step_2\.sql: missing[^]*3_step_3\.sql: out of order[^]*6_step_6\.sql: its rollback/) as string,
    }) as Error,
  );
});

test("every version of files and history is planned once, in order, and running what is planned leaves nothing to run", () => {
  const versions = fc.uniqueArray(fc.integer({ min: 1, max: 12 }));
  fc.assert(
    fc.property(versions, versions, (fileVersions, appliedVersions) => {
      const files = [...fileVersions].sort((a, b) => a - b).map((version) => file(version));
      const history = appliedVersions.map((version) => row(version));
      const planned = planMigrations(files, history);
      expect(planned.map(({ version }) => version)).toEqual([...new Set([...fileVersions, ...appliedVersions])].sort((a, b) => a - b));
      for (const { version, state } of planned) {
        const applied = appliedVersions.includes(version);
        const expected = applied ? (fileVersions.includes(version) ? "applied" : "missing") : version < schemaVersionOf(history) ? "out-of-order" : "pending";
        expect(state).toBe(expected);
      }
      if (planned.some(({ state }) => state === "missing" || state === "out-of-order")) return;
      const after = [...history, ...migrationsToRun(planned, "x").map(({ version }) => row(version))];
      expect(planMigrations(files, after).every(({ state }) => state === "applied")).toBe(true);
    }),
  );
});
