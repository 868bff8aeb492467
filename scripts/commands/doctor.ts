import { runChecks } from "../doctor/checks";
import type { DoctorCheck } from "../doctor/finding";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { paint } from "../lib/output";
import type { Output } from "../lib/output";

const MARK = { passed: "ok  ", warning: "warn", failed: "FAIL" } as const;

/** What this machine and checkout have and lack, each with the command that mends it. Works also where nothing else does. */
export async function doctor(stack: string, output: Output, signal: AbortSignal): Promise<ExitCode> {
  const checks = await runChecks(stack, signal);
  const summary = { passed: count(checks, "passed"), warnings: count(checks, "warning"), failed: count(checks, "failed") };
  const groups = [...new Set(checks.map(({ group }) => group))];
  output.result(
    { version: 1, stack, ok: summary.failed === 0, checks, summary },
    [
      ...groups.flatMap((group) => [paint("bold", group), ...checks.filter((check) => check.group === group).flatMap(render)]),
      "",
      `${summary.passed} passed, ${summary.warnings} warnings, ${summary.failed} failed`,
    ].join("\n"),
  );
  return summary.failed === 0 ? EXIT.done : EXIT.checkFellShort;
}

function render({ status, title, detail, fix }: DoctorCheck): string[] {
  return [`  ${MARK[status]}  ${title}: ${detail}`, ...(fix === null ? [] : [`        fix: ${fix.replaceAll("\n", "\n             ")}`])];
}

function count(checks: readonly DoctorCheck[], status: DoctorCheck["status"]): number {
  return checks.filter((check) => check.status === status).length;
}
