/**
 * Postgres cuts identifiers at NAMEDATALEN - 1 bytes without a word, so two long names can become one: we refuse instead.
 * (PostgreSQL documentation, 4.1.1 Identifiers and Key Words.)
 */
export const IDENTIFIER_MAX_BYTES = 63;

/** The longest suffix that a role name adds to a service's name. */
const LONGEST_ROLE_SUFFIX = "_migrator";

/** Service names: lower case words joined by `-` or `_`; they become role names, folder names and Pulumi resource names. */
const SERVICE_NAME = /^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/;

/** Databases that belong to the server, a cloud provider or Bulkhead itself. */
const RESERVED_DATABASES = new Set(["postgres", "template0", "template1", "rdsadmin", "cloudsqladmin", "alloydbadmin", "azure_maintenance", "azure_sys"]);

/** Role names with a meaning in SQL or owned by a provider. */
const RESERVED_SERVICES = new Set(["public", "none", "postgres", "admin", "tier", "bulkhead", "rdsadmin", "cloudsqladmin", "cloudsqlsuperuser"]);

/** Why a service cannot have this name, or undefined if it can. */
export function serviceNameProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  if (!SERVICE_NAME.test(name)) return "must be lower-case words of a-z and 0-9 joined by '-' or '_', beginning with a letter";
  const room = IDENTIFIER_MAX_BYTES - LONGEST_ROLE_SUFFIX.length;
  if (Buffer.byteLength(name) > room) return `is ${Buffer.byteLength(name)} bytes; at most ${room}, since Postgres cuts names at ${IDENTIFIER_MAX_BYTES} bytes and roles add up to ${LONGEST_ROLE_SUFFIX.length}`;
  if (RESERVED_SERVICES.has(name) || name.startsWith("pg_") || name.startsWith("pg-") || name.startsWith("bulkhead")) return "is reserved";
  return undefined;
}

/**
 * Why a database cannot have this name, or undefined if it can. Quotes, spaces, keywords and letters of any language are fine: every name
 * is quoted where it is used.
 */
export function databaseNameProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  // eslint-disable-next-line no-control-regex -- control characters (NUL above all) are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return "holds a control character";
  if (!name.isWellFormed()) return "holds half a surrogate pair, which UTF-8 cannot encode";
  const sizeBytes = Buffer.byteLength(name);
  if (sizeBytes > IDENTIFIER_MAX_BYTES) return `is ${sizeBytes} bytes; Postgres cuts names at ${IDENTIFIER_MAX_BYTES}`;
  if (RESERVED_DATABASES.has(name) || name.startsWith("bulkhead")) return "is reserved";
  return undefined;
}

/** The names of one compartment's roles. */
export interface RoleNames {
  /** NOLOGIN; owns the database and every object in it. */
  readonly owner: string;
  /** LOGIN; runs migrations, acting as the owner. */
  readonly migrator: string;
  /** NOLOGIN group with the rights of the running service. */
  readonly app: string;
  /** LOGIN pair, members of `app`: two, so that a rotation never cuts a live one. */
  readonly users: readonly [string, string];
  /** LOGIN; SELECT only. */
  readonly readonly: string;
}

/** Role names of a service; hyphens become underscores, as is usual in SQL. */
export function roleNames(service: string): RoleNames {
  const base = service.replaceAll("-", "_");
  return { owner: `${base}_owner`, migrator: `${base}_migrator`, app: `${base}_app`, users: [`${base}_user`, `${base}_user_b`], readonly: `${base}_readonly` };
}
