import type { CompartmentPlan, TierPlan } from "../plan/plan";
import type { FoundContents, FoundServer } from "./observed";
import type { AdoptionProblem } from "./plan";

/** How many names a sentence holds. */
const NAMES_SHOWN = 8;

/** Why nothing at all can be adopted. Pure. */
export function serverProblems(plan: TierPlan, found: FoundServer): AdoptionProblem[] {
  const problem = (text: string, hint: string): AdoptionProblem => ({ service: null, problem: text, hint });
  const planned = new Set(plan.compartments.map(({ database }) => database.name));
  const others = found.databases.filter(({ name, isTemplate }) => !isTemplate && name !== "postgres");
  return [
    ...(found.inRecovery ? [problem("the data are those of a standby, which follows another server", "adopt those of the primary; or make this one a server of its own: pg_ctl promote, in the old stack")] : []),
    ...(found.databases.some(({ name }) => planned.has(name))
      ? []
      : [problem(`none of the databases of services.ts is there; there is: ${others.length === 0 ? "none" : others.map(({ name }) => name).join(", ")}`, "name the databases in services.ts as they are called here: auth: { database: \"…\" }")]),
    ...found.replicationSlots.filter(({ logical }) => logical).map(({ name }) => problem(`the server has a logical replication slot ${name}, and does not start under the stack's configuration with it`, `start the old stack, stop who reads from the slot, then there: SELECT pg_drop_replication_slot('${name}')`)),
    ...found.preparedTransactions.map(({ gid, database }) => problem(`database ${database} has a prepared transaction ${JSON.stringify(gid)}, which holds its locks, and the server does not start under the stack's configuration with it`, `start the old stack, then in ${database}: COMMIT PREPARED '${gid.replaceAll("'", "''")}' or ROLLBACK PREPARED, whichever is right`)),
    ...found.tablespaces.filter(({ present }) => !present).map(({ name, location }) => problem(`tablespace ${name} is to be at ${location}, where nothing is: what is in it is not in the volume`, `start the old stack with that folder mounted, move its tables (ALTER TABLE … SET TABLESPACE pg_default), then DROP TABLESPACE ${name}`)),
  ];
}

/** Why one service's database cannot be opened. Pure. */
export function databaseProblems({ service, database }: CompartmentPlan, { databases }: FoundServer): AdoptionProblem[] {
  const found = databases.find(({ name }) => name === database.name);
  if (found?.invalid === true) return [{ service, problem: `a DROP DATABASE of ${database.name} was interrupted; what was in it is lost`, hint: `restore it from a backup under another name, or, if it was meant, in the old stack: DROP DATABASE "${database.name}"` }];
  if (found?.allowConnections === false) return [{ service, problem: `database ${database.name} allows no connections`, hint: `in the old stack: ALTER DATABASE "${database.name}" ALLOW_CONNECTIONS true` }];
  return [];
}

/** What a person should know before they say yes: what those who use the databases will see change, and what is left to them. Pure. */
export function adoptionNotes(plan: TierPlan, found: FoundServer, adopted: readonly { readonly compartment: CompartmentPlan; readonly contents: FoundContents }[]): string[] {
  return [...adopted.flatMap(({ compartment, contents }) => serviceNotes(compartment, found, contents)), ...serverNotes(plan, found)];
}

function serviceNotes({ service, database, roles, roleSpecs }: CompartmentPlan, found: FoundServer, contents: FoundContents): string[] {
  const names = new Set(roleSpecs.map(({ name }) => name));
  const notes: string[] = [];
  const withPassword = found.roles.filter(({ name, hasPassword }) => names.has(name) && hasPassword).map(({ name }) => name);
  if (withPassword.length > 0) notes.push(`${service}: the password of ${withPassword.join(", ")} ceases with the next up, which makes another and puts it into the service's secret (npx bulkhead env ${service} prints it)`);
  const strangers = [...new Set([found.databases.find(({ name }) => name === database.name)!.owner, ...contents.objects.map(({ owner }) => owner)])].filter((owner) => found.roles.some(({ name, login }) => name === owner && login) && !names.has(owner) && owner !== found.superuser);
  if (strangers.length > 0) notes.push(`${service}: ${strangers.join(", ")} can connect to ${database.name} no more, whatever the password; the service logs in as ${roles.users[0]} from now on`);
  const changing = contents.objects.filter(({ owner }) => owner !== roles.owner);
  const definers = changing.filter(({ runsAsOwner }) => runsAsOwner);
  if (definers.length > 0) notes.push(`${service}: functions that are SECURITY DEFINER run with the rights of ${roles.owner} from now on, not of their owner until now: ${listed(definers.map(({ identity, owner }) => `${identity} (${owner})`))}`);
  const guarded = changing.filter(({ rowSecurity }) => rowSecurity);
  if (guarded.length > 0) notes.push(`${service}: row security binds everybody but the owner; who owned these tables until now, or was superuser, sees all rows no more: ${listed(guarded.map(({ identity }) => identity))}`);
  const hidden = contents.extensions.filter(({ name, schema }) => schema === "extensions" && name !== "pg_stat_statements");
  if (hidden.length > 0) notes.push(`${service}: no service can name what is in schema extensions; where it uses these: ${hidden.map(({ name }) => `ALTER EXTENSION "${name}" SET SCHEMA public`).join("; ")}`);
  const subscriptions = contents.objects.filter(({ kind }) => kind === "SUBSCRIPTION");
  if (subscriptions.length > 0) notes.push(`${service}: subscription ${listed(subscriptions.map(({ identity }) => identity))} stays, and writes with the rights of ${found.superuser}`);
  if (found.databases.find(({ name }) => name === database.name)!.collationDiffers) {
    notes.push(`${service}: text in ${database.name} was sorted by another version of the operating system's rules, so its indexes may be out of order: REINDEX DATABASE, then ALTER DATABASE "${database.name}" REFRESH COLLATION VERSION`);
  }
  return notes;
}

function serverNotes(plan: TierPlan, found: FoundServer): string[] {
  const planned = new Set(plan.compartments.map(({ database }) => database.name));
  const others = found.databases.filter(({ name, isTemplate }) => !isTemplate && name !== "postgres" && !planned.has(name));
  const slots = found.replicationSlots.filter(({ logical }) => !logical);
  return [
    ...(others.length > 0 ? [`no service of services.ts has ${others.map(({ name, owner }) => `${name} (of ${owner})`).join(", ")}: what is in there stays as it is; only its owner and superusers can connect`] : []),
    ...(slots.length > 0 ? [`replication slot ${slots.map(({ name }) => name).join(", ")} keeps the write-ahead log from being removed until somebody reads from it: SELECT pg_drop_replication_slot(…) if nobody does`] : []),
    ...(found.dataChecksums ? [] : ["the data directory has no checksums, so a fault of the disk is not noticed; with the server stopped: pg_checksums --enable"]),
  ];
}

function listed(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
