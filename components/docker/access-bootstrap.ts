import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { scramVerifier } from "../../manager/src/postgres/scram";
import { ADMIN_ROLE, TEMPLATE_DATABASE, adminStatements, createTemplateStatement, publicStatements, templatePublicStatements, templateStatements } from "../postgres/superuser-statements";
import { setCommand } from "../settings/problems";
import { runAsSuperuser } from "./access-superuser";
import { CONTAINERS } from "./names";

/** What a superuser sees of a server, whoever made it. */
export interface ServerFacts {
  /** Major version, e.g. 17. */
  readonly major: number;
  /** Whether bulkhead_admin is there. */
  readonly hasAdmin: boolean;
  readonly hasTemplate: boolean;
  /** Databases that are neither the server's own nor the template, by name. */
  readonly databases: readonly string[];
}

/** Gives `ServerFacts` as JSON. */
export const FACTS_QUERY = `SELECT json_build_object(
  'major', current_setting('server_version_num')::int / 10000,
  'hasAdmin', EXISTS (SELECT FROM pg_roles WHERE rolname = '${ADMIN_ROLE}'),
  'hasTemplate', EXISTS (SELECT FROM pg_database WHERE datname = '${TEMPLATE_DATABASE}'),
  'databases', (SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1', '${TEMPLATE_DATABASE}')));\n`;

/** Who sets a server up, and whom for. */
export interface BootstrapOptions {
  /** Superuser of the data directory. */
  readonly superuser: string;
  readonly facts: ServerFacts;
  readonly password: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the admin and the template, with this password, and puts back what they lost. Can be run again after a crash at any moment: whoever
 * calls it notes the password when it returns.
 *
 * @throws BulkheadError `SERVER_BOOTSTRAP_FAILED`
 */
export async function bootstrapServer({ superuser, facts, password, signal }: BootstrapOptions): Promise<void> {
  const script = (statements: readonly string[]): string => statements.map((statement) => `${statement};\n`).join("");
  const whole = (statements: readonly string[]): string => script(["BEGIN", ...statements, "COMMIT"]);
  const verifier = await scramVerifier(password);
  await runAsSuperuser({ superuser, database: "postgres", signal }, whole([...adminStatements(verifier, facts.major), ...publicStatements()]) + script([...(facts.hasTemplate ? [] : [createTemplateStatement()]), ...templatePublicStatements()]));
  await runAsSuperuser({ superuser, database: TEMPLATE_DATABASE, signal }, whole(templateStatements()));
}

/**
 * Refuses a server that somebody made by hand: its databases would stay open to everybody, and owned by whom they were.
 *
 * @throws BulkheadError `ADOPTION_NEEDED`
 */
export function requireOurServer({ hasAdmin, databases }: ServerFacts, volume: string): void {
  if (hasAdmin || databases.length === 0) return;
  throw new BulkheadError("ADOPTION_NEEDED", `the data in volume ${volume} were not made by Bulkhead: there are databases ${databases.join(", ")}, and no ${ADMIN_ROLE}. Nothing was changed.`, {
    hint: `npx bulkhead down, then npx bulkhead adopt --volume ${volume} --dry-run, which shows what taking them over would change; without --dry-run it does it`,
  });
}

/** Somebody else than we thought made the data directory. */
export function superuserUnknown(stack: string, superuser: string, volume: string): BulkheadError {
  return new BulkheadError("SUPERUSER_UNKNOWN", `Postgres in ${CONTAINERS.postgres} has no superuser ${superuser}: the data in volume ${volume} were made with another one`, {
    hint: `${setCommand("postgres.superuser", "NAME", stack)} (in Compose: its POSTGRES_USER), then npx bulkhead adopt --volume ${volume}`,
  });
}
