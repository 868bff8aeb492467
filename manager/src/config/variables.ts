/** Variables that say where a service's database is and how to log in. They are secrets or belong together with one, so they are taken from one family only. */
export const CONNECTION_VARIABLES = [
  "DATABASE_URL",
  "READ_REPLICA_URL",
  "AWS_DB_SECRET",
  "AWS_SECRET_NAME",
  "GCP_DB_SECRET",
  "DB_SECRET_FILE",
  "AWS_DB_HOST",
  "AWS_DB_NAME",
  "AWS_DB_USER",
  "AWS_DB_PASSWORD",
  "AWS_DB_PORT",
] as const;

/** Variables that tune a service. */
export const SETTING_VARIABLES = [
  "AWS_REQUIRE_SSL",
  "AWS_SSLROOTCERT",
  "DB_MIN_CONNECTIONS",
  "DB_MAX_CONNECTIONS",
  "MONITORING_ENABLED",
  "SLOW_QUERY_THRESHOLD_MS",
  "CONNECTION_TIMEOUT_SECONDS",
  "READ_REPLICA_MAX_LAG_MS",
] as const;

/** Variables about the place where the process runs: the same for every service in it, and none of them a secret. */
export const SURROUNDING_VARIABLES = [
  "BULKHEAD_PROFILE",
  "NODE_ENV",
  "AWS_REGION",
  "GOOGLE_CLOUD_PROJECT",
  "K_SERVICE",
  "CLOUD_RUN_JOB",
  "AWS_LAMBDA_FUNCTION_NAME",
  "AWS_EXECUTION_ENV",
  "ECS_CONTAINER_METADATA_URI_V4",
  "GAE_SERVICE",
] as const;

export type ConnectionVariable = (typeof CONNECTION_VARIABLES)[number];
export type ConfigVariable = ConnectionVariable | (typeof SETTING_VARIABLES)[number] | (typeof SURROUNDING_VARIABLES)[number];

/** Variables whose value is never shown, not even in part. */
export const SECRET_VARIABLES: ReadonlySet<string> = new Set<ConfigVariable>(["AWS_DB_PASSWORD"]);

/** A whole number within its bounds, with the value that holds where none is set. */
export interface WholeNumberVariable {
  readonly name: ConfigVariable;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** Defaults are those that services of this tier have always had. */
export const WHOLE_NUMBERS = {
  minConnections: { name: "DB_MIN_CONNECTIONS", fallback: 2, min: 0, max: 1_000 },
  maxConnections: { name: "DB_MAX_CONNECTIONS", fallback: 20, min: 1, max: 1_000 },
  slowQueryThresholdMs: { name: "SLOW_QUERY_THRESHOLD_MS", fallback: 1_000, min: 1, max: 3_600_000 },
  connectionTimeoutSeconds: { name: "CONNECTION_TIMEOUT_SECONDS", fallback: 30, min: 1, max: 600 },
  readReplicaMaxLagMs: { name: "READ_REPLICA_MAX_LAG_MS", fallback: 5_000, min: 1_000, max: 3_600_000 },
  awsPort: { name: "AWS_DB_PORT", fallback: 5432, min: 1, max: 65_535 },
} as const satisfies Readonly<Record<string, WholeNumberVariable>>;

const WORDS: Readonly<Record<string, boolean>> = { true: true, "1": true, yes: true, on: true, false: false, "0": false, no: false, off: false };

/** `true`, `1`, `yes`, `on` and their opposites, in any case; undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
}

/** Decimal digits only: no sign, exponent, hexadecimal or fraction. Undefined for anything else, or out of bounds. */
export function parseWholeNumber(text: string, { min, max }: Pick<WholeNumberVariable, "min" | "max">): number | undefined {
  if (!/^\d{1,15}$/.test(text.trim())) return undefined;
  const value = Number(text.trim());
  return value >= min && value <= max ? value : undefined;
}
