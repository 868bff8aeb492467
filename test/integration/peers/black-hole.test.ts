import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describeWhere } from "../../support/describe-where";
import { whyNoNetwork } from "../../support/network-lanes";
import { CELLS, DEADLINES, nameOf } from "./black-hole-cells";
import type { BlackHoleResult } from "./black-hole-cells";

const PROCESS_TIMEOUT_MS = 90_000;
/** To get a connection and for a query on it; a tenth more, and room for a busy machine. */
const LIMIT_MS = (DEADLINES.acquireTimeoutMs + DEADLINES.queryTimeoutMs) * 1.1 + 1_500;

describeWhere(whyNoNetwork(), "a network in which the kernel loses packets without a word", () => {
  let results: readonly BlackHoleResult[] = [];

  beforeAll(async () => {
    const args = ["-n", process.execPath, "-r", "tsx/cjs", join(__dirname, "black-hole-process.ts")];
    const { stdout } = await promisify(execFile)("unshare", args, { cwd: dirname(dirname(dirname(__dirname))), timeout: PROCESS_TIMEOUT_MS, maxBuffer: 1 << 20 });
    results = JSON.parse(stdout) as BlackHoleResult[];
  });

  test.each(CELLS.map((cell, index) => ({ ...cell, index, name: nameOf(cell) })))("$name: ends in time as documented, loses no connection, repeats no write, and serves again", ({ index, outcome, errorClass, rows = [0] }) => {
    const result = results[index]!;
    expect([result.outcome, result.errorClass]).toEqual([outcome, errorClass]);
    expect(result.elapsedMs).toBeLessThan(LIMIT_MS);
    expect(rows).toContain(result.rows);
    expect(result).toMatchObject({ inUse: 0, waiting: 0, total: result.idle });
    expect(result.servedAfterMs).toBeLessThan(DEADLINES.acquireTimeoutMs);
  });
});
