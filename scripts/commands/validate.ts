import { openTier } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { table } from "../lib/table";

/** Proves from the inside that every compartment is watertight; exit code 3 when it is not. */
export async function validate(context: CommandContext): Promise<ExitCode> {
  const { stack, config, root, signal, progress, output } = context;
  const { access, catalog, plan } = await openTier(context);
  const { version, ok, checks, summary } = await access.operations.validate({ catalog, plan, root, signal, progress });
  const failed = checks.filter((check) => check.status === "failed");
  const services = [...new Set(checks.map(({ service }) => service))];
  const count = (service: string, status: string): number => checks.filter((check) => check.service === service && check.status === status).length;
  output.result(
    { version, stack, target: config.target, ok, checks, summary },
    [
      table([["SERVICE", "PASSED", "FAILED", "SKIPPED"], ...services.map((service) => [service, ...["passed", "failed", "skipped"].map((status) => String(count(service, status)))])]),
      "",
      ...failed.flatMap(({ id, service, detail, heal }) => [`FAILED ${service} ${id}: ${detail}`, ...(heal === undefined ? [] : [`  heal: ${heal.replaceAll("\n", "\n        ")}`])]),
      ok ? `Watertight: ${summary.passed} checks passed${summary.skipped > 0 ? `, ${summary.skipped} skipped` : ""}.` : `${summary.failed} of ${checks.length} checks failed. Next: npm run up, or npx bulkhead provision, heals what an admin can heal; docs/rules.md explains each rule.`,
    ].join("\n"),
  );
  return ok ? EXIT.done : EXIT.checkFellShort;
}
