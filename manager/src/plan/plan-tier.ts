import type { Catalog, Service } from "../catalog/catalog";
import { roleNames } from "../catalog/names";
import { BulkheadError } from "../errors/bulkhead-error";
import type { CompartmentPlan, Membership, RoleSpec, TierFacts, TierPlan } from "./plan";
import { hasMembershipOptions, hasTransactionTimeout, refuseOldPlan } from "./postgres-major";

/** Connections of a compartment beside those of the running service: a migration with its lock session and one to spare, two people's shells and a backup, and the admin's sessions. */
const MIGRATOR_CONNECTIONS = 3;
const READONLY_CONNECTIONS = 3;
const ADMIN_CONNECTIONS = 4;

/**
 * Timeouts on the role, so that they hold behind any pooler and for any driver. A migration may run long but must not wait long for a
 * lock, since every query behind it waits too.
 */
const APP_SETTINGS = { idle_in_transaction_session_timeout: "30s", lock_timeout: "5s", search_path: "public", statement_timeout: "30s", transaction_timeout: "5min" };
const MIGRATOR_SETTINGS = { idle_in_transaction_session_timeout: "5min", lock_timeout: "3s", search_path: "public", statement_timeout: "30min" };
const READONLY_SETTINGS = { default_transaction_read_only: "on", idle_in_transaction_session_timeout: "1min", lock_timeout: "1s", search_path: "public", statement_timeout: "1min", transaction_timeout: "10min" };

/**
 * The plan for a catalog on a server: pure, so that a preview and a test can call it.
 *
 * @throws BulkheadError `BUDGET_EXCEEDED` when the compartments' connection budgets do not fit under `max_connections`; `POSTGRES_TOO_OLD` for a server before version 15
 */
export function planTier(catalog: Catalog, tier: TierFacts): TierPlan {
  refuseOldPlan(tier);
  const compartments = catalog.services.flatMap((service) => (service.database === null ? [] : [planCompartment(service, service.database, tier)]));
  checkBudget(compartments, tier);
  return { version: 1, tier, compartments };
}

function planCompartment(service: Service, database: string, tier: TierFacts): CompartmentPlan {
  const { extensions = [] } = tier;
  const roles = roleNames(service.name);
  const [user, standbyUser] = roles.users;
  const memberOf = (role: string, { inherit, set }: Pick<Membership, "inherit" | "set">): Pick<RoleSpec, "inherit" | "memberOf"> =>
    hasMembershipOptions(tier) ? { memberOf: [{ role, inherit, set }] } : { inherit, memberOf: [{ role, inherit, set: true }] };
  const group = (name: string): RoleSpec => ({ name, login: false, connectionLimit: -1, memberOf: [], settings: {} });
  const appLogin = (name: string): RoleSpec => ({ name, login: true, connectionLimit: service.connections, ...memberOf(roles.app, { inherit: true, set: false }), settings: settingsFor(tier, APP_SETTINGS) });
  return {
    service: service.name,
    database: { name: database, connectionLimit: service.connections + MIGRATOR_CONNECTIONS + READONLY_CONNECTIONS + ADMIN_CONNECTIONS },
    roles,
    roleSpecs: [
      group(roles.owner),
      group(roles.app),
      {
        name: roles.migrator,
        login: true,
        connectionLimit: MIGRATOR_CONNECTIONS,
        ...memberOf(roles.owner, { inherit: false, set: true }),
        // Every session of the migrator starts as the owner: what any tool creates belongs to the owner from the beginning.
        settings: { ...MIGRATOR_SETTINGS, role: roles.owner },
      },
      appLogin(user),
      appLogin(standbyUser),
      { name: roles.readonly, login: true, connectionLimit: READONLY_CONNECTIONS, memberOf: [], settings: settingsFor(tier, READONLY_SETTINGS) },
    ],
    extensions: ["pg_stat_statements", ...extensions],
    urlParameters: service.urlParameters,
  };
}

/** What the server knows of the settings. Without transaction_timeout each statement and each pause in a transaction still has its limit, and only their sum has none. */
function settingsFor(tier: TierFacts, { transaction_timeout, ...others }: Readonly<Record<string, string>> & { readonly transaction_timeout: string }): Readonly<Record<string, string>> {
  return hasTransactionTimeout(tier) ? { ...others, transaction_timeout } : others;
}

/**
 * The sum of all database limits must fit: then a service that leaks connections fills its own compartment and nobody else's.
 * The two logins of a pair share the database's limit, so a rotation does not count twice.
 */
function checkBudget(compartments: readonly CompartmentPlan[], { maxConnections, reservedConnections }: TierFacts): void {
  const wanted = compartments.reduce((sum, { database }) => sum + database.connectionLimit, 0);
  const room = maxConnections - reservedConnections;
  if (wanted <= room) return;
  const largest = [...compartments].sort((a, b) => b.database.connectionLimit - a.database.connectionLimit).slice(0, 5);
  throw new BulkheadError(
    "BUDGET_EXCEEDED",
    `the compartments' connection budgets add up to ${wanted}, but the tier has ${room} (max_connections ${maxConnections} less ${reservedConnections} reserved); the largest: ${largest
      .map(({ service, database }) => `${service} ${database.connectionLimit}`)
      .join(", ")}`,
    { hint: "lower `connections` of a service in services.ts, or raise the tier's maxConnections in the stack's configuration; nothing was changed" },
  );
}
