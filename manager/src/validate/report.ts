import { SECRET_LOGINS } from "../secrets/secret";
import type { SecretLogin } from "../secrets/secret";
import { RULE_IDS, STORE_RULES } from "./rules";
import type { Rule } from "./rules";

export type CheckStatus = "passed" | "failed" | "skipped";

/** One thing that was found out: what checks are made of. */
export interface Evidence {
  readonly rule: Rule;
  readonly service: string;
  /** Whose session it is from, where it is from one. */
  readonly login?: SecretLogin;
  readonly status: CheckStatus;
  /** What was done and what came of it; never with a secret in it. */
  readonly detail: string;
  /** Unit: milliseconds. */
  readonly ms: number;
  /** What mends it: SQL for the admin, or a command. */
  readonly heal?: string | undefined;
  /** What makes it a check of its own beside others of the rule, e.g. the other database. */
  readonly subject?: string;
}

/** One line of the report. */
export interface ValidationCheck {
  /** The rule; `docs/rules.md` has a section for it. */
  readonly id: Rule;
  /** A service of the catalog, or `tier` for what no service is the cause of. */
  readonly service: string;
  readonly status: CheckStatus;
  readonly detail: string;
  /** Time it took, where it can be told apart; checks run side by side, so the sum says nothing. Unit: milliseconds. */
  readonly ms: number;
  /** What mends it: SQL for the admin, or a command. Only where something failed and a remedy is known. */
  readonly heal?: string;
}

/** What `validate` found. */
export interface ValidationReport {
  readonly version: 1;
  /** Nothing failed. */
  readonly ok: boolean;
  readonly checks: readonly ValidationCheck[];
  readonly summary: { readonly passed: number; readonly failed: number; readonly skipped: number };
}

/**
 * The report: at least one check a rule and service; of the stores' rules only for services that ask for one. Several pieces of evidence for the same thing become one check: of those that agree the
 * details are joined; a failure stands alone, with its remedy; and what could not be tried is not passed because something else was.
 *
 * @param services every service that the report is about, in order
 */
export function buildReport(evidence: readonly Evidence[], services: readonly string[]): ValidationReport {
  const groups = new Map<string, Evidence[]>();
  for (const piece of evidence) {
    const key = JSON.stringify([piece.rule, piece.service]);
    groups.set(key, [...(groups.get(key) ?? []), piece]);
  }
  const checks = ["tier", ...services].flatMap((service) =>
    RULE_IDS.flatMap((rule): ValidationCheck[] => {
      const found = groups.get(JSON.stringify([rule, service]));
      if (found !== undefined) return checksOf(found);
      return service === "tier" || Object.hasOwn(STORE_RULES, rule) ? [] : [{ id: rule, service, status: "skipped", detail: "could not be tried: nothing that it needs was there", ms: 0 }];
    }),
  );
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  const summary = { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
  return { version: 1, ok: summary.failed === 0, checks, summary };
}

function checksOf(evidence: readonly Evidence[]): ValidationCheck[] {
  const subjects = [...new Set(evidence.map(({ subject }) => subject))];
  return subjects.flatMap((subject) => {
    const pieces = evidence.filter((piece) => piece.subject === subject);
    const failed = pieces.filter(({ status }) => status === "failed");
    if (failed.length > 0) return failed.map((piece) => checkOf([piece]));
    const skipped = pieces.filter(({ status }) => status === "skipped");
    return [checkOf(skipped.length > 0 ? skipped : pieces)];
  });
}

function checkOf(pieces: readonly Evidence[]): ValidationCheck {
  const { rule, service, status, heal } = pieces[0]!;
  const ms = rounded(pieces.reduce((sum, piece) => sum + piece.ms, 0));
  return { id: rule, service, status, detail: joinDetails(pieces), ms, ...(status === "failed" && heal !== undefined && { heal }) };
}

/** What several logins have in common is said once: `app, readonly: refused`. */
function joinDetails(pieces: readonly Evidence[]): string {
  const details = [...new Set(pieces.map(({ detail }) => detail))];
  return details
    .map((detail) => {
      const logins = SECRET_LOGINS.filter((login) => pieces.some((piece) => piece.detail === detail && piece.login === login));
      return logins.length === 0 ? detail : `${logins.join(", ")}: ${detail}`;
    })
    .join("; ");
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
