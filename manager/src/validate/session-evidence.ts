import type { CompartmentPlan } from "../plan/plan";
import { quoteIdentifier } from "../postgres/identifier";
import type { DatabaseSecret, SecretLogin } from "../secrets/secret";
import type { AttemptOutcome } from "./attempts";
import { inDatabase } from "./in-database";
import type { Evidence } from "./report";
import type { LiveRule } from "./rules";
import type { SessionFacts } from "./session-facts";

/** At most this many things are named in a detail, so that a report stays readable. */
const NAMED_AT_MOST = 4;

/** A list that names the first few and counts the rest. */
export function shortList(items: readonly string[]): string {
  const more = items.length - NAMED_AT_MOST;
  return more > 0 ? `${items.slice(0, NAMED_AT_MOST).join(", ")} and ${more} more` : items.join(", ");
}

/** Evidence from what one login's session says of itself. Pure. */
export function sessionEvidence(facts: SessionFacts, { compartment, login, secret, serverPort, ms }: { compartment: CompartmentPlan; login: SecretLogin; secret: DatabaseSecret; serverPort: number; ms: number }): Evidence[] {
  const { service, roles } = compartment;
  const judge = (rule: LiveRule, problems: readonly string[], passed: string, heal?: string): Evidence =>
    problems.length === 0 ? { rule, service, login, status: "passed", detail: passed, ms } : { rule, service, login, status: "failed", detail: shortList(problems), ms, heal };
  const differences = (wanted: Readonly<Record<string, readonly [actual: unknown, wanted: unknown]>>): string[] =>
    Object.entries(wanted).flatMap(([what, [actual, value]]) => (actual === value ? [] : [`${what} is ${String(actual)}, not ${String(value)}`]));

  const currentUser = login === "migrator" ? roles.owner : secret.username;
  const settings = compartment.roleSpecs.find(({ name }) => name === secret.username)?.settings ?? {};
  const evidence = [
    judge(
      "identity",
      differences({ session_user: [facts.sessionUser, secret.username], current_user: [facts.currentUser, currentUser], "the database": [facts.database, secret.dbname], "the server's port": [facts.port, serverPort] }),
      `${facts.sessionUser} as ${facts.currentUser} in ${facts.database}`,
    ),
    judge("tls-session", facts.tlsVersion === null ? ["the session is not encrypted"] : /^TLSv1\.[23]$/.test(facts.tlsVersion) ? [] : [`the session has ${facts.tlsVersion}`], String(facts.tlsVersion)),
    judge("session-settings", differences(Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, [facts.settings[name], value]]))), `${Object.keys(settings).length} settings as planned`),
    judge(
      "no-foreign-activity",
      facts.readableSessions.length > 0 ? [`the statements of ${shortList(facts.readableSessions)} can be read in pg_stat_activity`] : facts.otherSessions === 0 ? ["there was no other session to look at"] : [],
      `${facts.otherSessions} sessions of others, the text of none can be read`,
    ),
    judge("no-set-role", inheritanceProblems(facts, { login, role: secret.username, app: roles.app }), "inherits no right from outside its place"),
  ];
  if (login !== "migrator") {
    const further = facts.tables.flatMap(({ schema, name, furtherPrivileges }) => furtherPrivileges.map((privilege) => `${privilege} on ${schema}.${name}`));
    evidence.push(judge("no-schema-change", further.map((text) => `may ${text}`), `${facts.furtherPrivileges.slice(0, -1).join(", ")} and ${facts.furtherPrivileges.at(-1)} on none of ${facts.tables.filter(({ kind }) => kind === "table").length} tables`));
  }
  if (login === "readonly") {
    const advancing = facts.sequences.filter(({ mayAdvance }) => mayAdvance).map(({ identity }) => `may advance sequence ${identity}`);
    evidence.push(judge("readonly-cannot-write", advancing, `advances none of ${facts.sequences.length} sequences`));
  }
  if (login === "app") {
    const stuck = facts.sequences.filter(({ mayAdvance }) => !mayAdvance).map(({ identity }) => `may not advance sequence ${identity}`);
    evidence.push(judge("table-access", stuck, `may advance ${facts.sequences.length} sequences`));
    const heal = facts.unpinnedFunctions.map(({ identity, owner }) => `SET ROLE ${quoteIdentifier(owner)}; ALTER ROUTINE ${identity} SET search_path = public, pg_temp; RESET ROLE;`).join(" ");
    evidence.push(judge("definer-functions", facts.unpinnedFunctions.map(({ identity }) => `${identity} runs with its owner's rights and its caller's search_path`), `${facts.definerFunctionCount} functions, each with its search_path pinned`, inDatabase(facts.database, heal)));
  }
  return evidence;
}

function inheritanceProblems({ roles }: SessionFacts, { login, role, app }: { login: SecretLogin; role: string; app: string }): string[] {
  const wanted = login === "app" ? [role, app] : [role];
  return roles.filter(({ name, inherits }) => inherits && !wanted.includes(name)).map(({ name }) => `has the rights of ${name}`);
}

/** Evidence from what a login tried: one piece a rule. Pure. */
export function attemptEvidence(outcomes: readonly AttemptOutcome[], { service }: CompartmentPlan, login: SecretLogin): Evidence[] {
  const rules = [...new Set(outcomes.map(({ attempt }) => attempt.rule))];
  return rules.map((rule) => {
    const own = outcomes.filter(({ attempt }) => attempt.rule === rule);
    const wrong = own.filter(({ ok }) => !ok);
    const ms = own.reduce((sum, outcome) => sum + outcome.ms, 0);
    if (wrong.length > 0) return { rule, service, login, status: "failed", detail: shortList(wrong.map(describeWrong)), ms };
    const expected = [...new Set(own.map(({ attempt }) => attempt.expected))].map((state) => (state === "allowed" ? state : `refused with ${state}`)).join(" or ");
    return { rule, service, login, status: "passed", detail: `${own.length} attempt${own.length === 1 ? "" : "s"} ${expected}: ${shortList(own.map(({ attempt }) => attempt.what))}`, ms };
  });
}

function describeWrong({ attempt: { what, expected }, sqlstate, message }: AttemptOutcome): string {
  if (sqlstate === "00000") return `${what} is allowed`;
  return expected === "allowed" ? `${what} is refused: ${message} (${sqlstate})` : `${what} ended with ${sqlstate} (${message}), which says nothing: it should have been refused with ${expected}`;
}

/** Evidence from the marked statements that a login finds in `bulkhead.statements`. Pure. */
export function markerEvidence(found: readonly string[], { service }: CompartmentPlan, { login, marked, ms }: { login: SecretLogin; marked: readonly string[]; ms: number }): Evidence {
  const foreign = marked.filter((name) => name !== service && found.includes(name));
  const problem =
    foreign.length > 0 ? `bulkhead.statements shows statements of ${shortList(foreign)}` : found.includes(service) ? undefined : "bulkhead.statements does not show the database's own statements, so nothing is proven about others";
  const base = { rule: "no-foreign-statements", service, login, ms } as const;
  return problem === undefined ? { ...base, status: "passed", detail: `sees its own marked statement and none of ${marked.length - 1} others` } : { ...base, status: "failed", detail: problem };
}
