import type { Catalog } from "../catalog/catalog";
import { roleNames } from "../catalog/names";
import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { quoteIdentifier } from "../postgres/identifier";
import { PROVISION_RULES, sqlOf } from "../provision/change";
import type { Change, ProvisionRule } from "../provision/change";
import type { Inspection } from "../provision/inspect";
import { SECRET_LOGINS } from "../secrets/secret";
import type { SecretLogin, SecretStore } from "../secrets/secret";
import { inDatabase } from "./in-database";
import type { Evidence } from "./report";
import { RULES, STORE_RULES } from "./rules";
import type { LiveRule, Rule } from "./rules";
import type { DatabaseFacts, ServerFacts } from "./server-facts";

/** The rules about what is inside a database; the others are about what all databases share. */
const CONTENT_RULES: readonly ProvisionRule[] = ["schema-privileges", "default-privileges", "object-owner", "object-privileges", "column-privileges", "extension", "own-statements"];

/**
 * The rules that provisioning keeps, as the system catalogs show them. Pure.
 *
 * @param ms the time of reading all catalogs
 */
export function inspectionEvidence({ tier, compartments }: Inspection, { plan, services, databases, ms }: { plan: TierPlan; services: readonly string[]; databases: readonly DatabaseFacts[]; ms: number }): Evidence[] {
  const changes = [...tier, ...compartments.flatMap((compartment) => compartment.changes)];
  const rules = Object.keys(PROVISION_RULES) as ProvisionRule[];
  const unread = new Set(plan.compartments.filter(({ database }) => !databases.some(({ name, connectGrantees }) => name === database.name && connectGrantees.includes(plan.tier.admin))).map(({ service }) => service));
  return [
    ...changes.filter(({ service }) => service === "tier" || services.includes(service)).map((change): Evidence => ({ rule: change.rule, service: change.service, status: "failed", detail: change.finding, ms, heal: healOf(change) })),
    ...services.flatMap((service) =>
      rules
        .filter((rule) => !changes.some((change) => change.rule === rule && change.service === service))
        .map((rule): Evidence => {
          const isUnread = unread.has(service) && CONTENT_RULES.includes(rule);
          return isUnread ? { rule, service, status: "skipped", detail: "not known: the admin cannot connect to the database", ms: 0 } : { rule, service, status: "passed", detail: PROVISION_RULES[rule], ms };
        }),
    ),
  ];
}

/** What a person pastes to mend a difference: as the admin, in the database that is named; or as whom else. */
export function healOf(change: Change): string {
  return `${change.manual === true ? "-- as a superuser, or as the role that made it:\n" : ""}${inDatabase(change.database, sqlOf(change))}`;
}

/** Which differences in the catalogs let a live check fail: their statements are its remedy too. */
const CAUSES: Readonly<Partial<Record<LiveRule, readonly ProvisionRule[]>>> = {
  login: ["role-exists", "role-attributes", "role-connection-limit", "database-exists", "database-connection-limit", "database-privileges", "role-settings"],
  identity: ["role-settings", "role-membership", "database-settings"],
  "session-settings": ["role-settings", "database-settings"],
  "table-access": ["object-privileges", "object-owner", "schema-privileges", "role-membership"],
  "write-probe": ["default-privileges", "schema-privileges", "role-settings", "role-membership", "object-owner"],
  "no-foreign-database": ["database-privileges", "database-owner", "role-membership", "role-attributes"],
  "no-create": ["schema-privileges", "database-privileges", "role-membership", "role-attributes", "object-owner"],
  "no-temporary-tables": ["database-privileges", "role-membership", "role-attributes"],
  "no-schema-change": ["object-owner", "object-privileges", "role-membership", "role-attributes"],
  "readonly-cannot-write": ["object-privileges", "object-owner", "column-privileges", "role-settings", "role-membership", "role-attributes"],
  "no-history-write": ["object-privileges", "object-owner", "column-privileges", "role-membership", "role-attributes"],
  "no-set-role": ["role-membership", "role-attributes"],
  "no-session-authorization": ["role-attributes"],
  "no-server-control": ["role-attributes", "role-membership"],
  "no-server-files": ["role-attributes", "role-membership"],
  "no-role-secrets": ["role-attributes", "role-membership"],
  "no-foreign-statements": ["own-statements", "extension", "role-membership", "role-attributes"],
  "no-foreign-activity": ["role-membership", "role-attributes"],
  "no-foreign-signals": ["role-membership", "role-attributes"],
};

/** Gives failed live checks the statements that mend the differences behind them. Pure. */
export function withHealing(evidence: readonly Evidence[], { tier, compartments }: Inspection, plan: TierPlan): Evidence[] {
  const changes = [...compartments.flatMap((compartment) => compartment.changes), ...tier];
  return evidence.map((piece) => {
    if (piece.status !== "failed" || piece.heal !== undefined) return piece;
    const causes = CAUSES[piece.rule as LiveRule] ?? [];
    const behind = changes.filter(({ rule, service }) => causes.includes(rule) && service === piece.service);
    if (behind.length > 0) return { ...piece, heal: behind.map(healOf).join("\n") };
    const compartment = piece.rule === "no-foreign-statements" ? plan.compartments.find(({ service }) => service === piece.service) : undefined;
    return compartment === undefined ? piece : { ...piece, heal: closeExtensions(compartment) };
  });
}

/** What belongs to extensions is outside of what provisioning compares, so a hand-made grant on it has its own remedy. */
function closeExtensions({ database, roleSpecs }: CompartmentPlan): string {
  return inDatabase(database.name, `REVOKE ALL ON SCHEMA extensions FROM PUBLIC, ${roleSpecs.map(({ name }) => quoteIdentifier(name)).join(", ")};`);
}

/** The service without a database: what it must not have, seen from the server and from the secret store. */
export async function noCompartmentEvidence(service: string, { roles, databases }: ServerFacts, { plan, catalog, secrets }: { plan: TierPlan; catalog: Catalog; secrets: SecretStore }): Promise<Evidence[]> {
  const startedAt = performance.now();
  const planned = new Set(plan.compartments.flatMap(({ roleSpecs, database }) => [...roleSpecs.map(({ name }) => name), database.name]));
  const base = service.replaceAll("-", "_");
  const names = roleNames(service);
  const own = new Set([service, base, `${base}_db`, names.owner, names.migrator, names.app, ...names.users, names.readonly]);
  const longerNames = catalog.services.map(({ name }) => name.replaceAll("-", "_")).filter((name) => name.startsWith(`${base}_`));
  const isNamedAfter = (name: string): boolean => !planned.has(name) && (own.has(name) || (name.startsWith(`${base}_`) && !longerNames.some((longer) => name.startsWith(longer))));
  const foundRoles = roles.filter(isNamedAfter);
  const foundDatabases = databases.map(({ name }) => name).filter(isNamedAfter);
  const foundSecrets: SecretLogin[] = [];
  for (const login of SECRET_LOGINS) {
    // One that cannot be read is there all the same.
    const found = await secrets.read({ service, login }).catch(() => true);
    if (found !== undefined) foundSecrets.push(login);
  }

  const ms = performance.now() - startedAt;
  const failed = (detail: string, heal: string): Evidence => ({ rule: "no-compartment", service, status: "failed", detail, ms, heal });
  const failures = [
    ...foundRoles.map((role) => failed(`role ${role} exists, but the service has no database`, `DROP ROLE ${quoteIdentifier(role)};`)),
    ...foundDatabases.map((database) => failed(`database ${database} exists, but the service has none in the catalog`, "look whose data it holds before you drop it: psql \"$(npx bulkhead conn --admin)\" -c '\\l+'")),
    ...foundSecrets.map((login) => failed(`there is a ${login} secret of the service`, `remove ${secrets.reference({ service, login })}`)),
  ];
  const skipped = (Object.keys(RULES) as Rule[]).filter((rule) => rule !== "no-compartment" && !Object.hasOwn(STORE_RULES, rule)).map((rule): Evidence => ({ rule, service, status: "skipped", detail: "the service has no database", ms: 0 }));
  return [...(failures.length > 0 ? failures : [{ rule: "no-compartment", service, status: "passed", detail: "no role, no database and no secret is named after it", ms } as const]), ...skipped];
}
