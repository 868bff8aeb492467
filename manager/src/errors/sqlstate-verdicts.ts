import type { ErrorClass, Verdict } from "./classified-error";

function verdict(errorClass: ErrorClass, kind: string, more: Partial<Verdict> = {}): Verdict {
  return { class: errorClass, kind, severity: "error", userImpact: "request-failed", retry: "never", escalate: false, connectionUsable: true, ...more };
}

const NO_ERROR = { severity: "info", userImpact: "none" } as const;
const EXPECTED = { severity: "warning" } as const;
/** Every request that takes this way fails until somebody mends it. */
const BROKEN = { userImpact: "feature-unavailable", escalate: true } as const;
const LOST = { userImpact: "service-unavailable", retry: "connection", connectionUsable: false } as const;
const REPEAT = { severity: "warning", userImpact: "delayed", retry: "transaction" } as const;
const UNKNOWN_OUTCOME = { severity: "critical", userImpact: "data-at-risk", escalate: true, connectionUsable: false } as const;

/** By the first two characters, for codes that have no line of their own and codes of versions to come. */
export const VERDICT_BY_CLASS: Readonly<Record<string, Verdict>> = {
  "00": verdict("none", "success", NO_ERROR),
  "01": verdict("none", "warning", NO_ERROR),
  "02": verdict("none", "no-data", NO_ERROR),
  "03": verdict("query", "statement-incomplete"),
  "08": verdict("connection", "connection-lost", LOST),
  "09": verdict("application", "trigger-failed"),
  "0A": verdict("query", "not-supported"),
  "0B": verdict("transaction", "cannot-begin"),
  "0F": verdict("query", "locator"),
  "0L": verdict("permission", "grantor", BROKEN),
  "0P": verdict("permission", "role-specification", BROKEN),
  "0Z": verdict("query", "diagnostics"),
  "20": verdict("query", "case-not-found"),
  "21": verdict("query", "cardinality"),
  "22": verdict("data", "value", EXPECTED),
  "23": verdict("constraint", "constraint", EXPECTED),
  "24": verdict("query", "cursor-state"),
  "25": verdict("transaction", "transaction-state"),
  "26": verdict("query", "prepared-statement-missing"),
  "27": verdict("query", "triggered-data-change"),
  "28": verdict("permission", "login-refused", { ...BROKEN, userImpact: "service-unavailable", connectionUsable: false }),
  "2B": verdict("schema", "dependent-objects"),
  "2D": verdict("transaction", "cannot-end"),
  "2F": verdict("application", "routine"),
  "34": verdict("query", "cursor-missing"),
  "38": verdict("application", "external-routine"),
  "39": verdict("application", "external-routine-call"),
  "3B": verdict("transaction", "savepoint"),
  "3D": verdict("configuration", "database-missing", { ...BROKEN, severity: "critical", userImpact: "service-unavailable", connectionUsable: false }),
  "3F": verdict("schema", "schema-missing", BROKEN),
  "40": verdict("serialization", "transaction-rolled-back", REPEAT),
  "42": verdict("query", "statement-wrong", BROKEN),
  "44": verdict("constraint", "with-check-option", EXPECTED),
  "53": verdict("resource", "resource-exhausted", { severity: "critical", userImpact: "service-unavailable", retry: "transaction", escalate: true }),
  "54": verdict("resource", "program-limit"),
  "55": verdict("query", "object-state"),
  "57": verdict("connection", "operator-intervention", LOST),
  "58": verdict("internal", "server-system-error", { severity: "critical", userImpact: "service-unavailable", escalate: true }),
  "72": verdict("transaction", "snapshot-too-old", REPEAT),
  F0: verdict("configuration", "server-configuration", { severity: "critical", userImpact: "service-unavailable", escalate: true }),
  HV: verdict("query", "foreign-data"),
  P0: verdict("application", "routine", EXPECTED),
  XX: verdict("internal", "server-internal", { severity: "critical", escalate: true }),
};

const SCHEMA_MISMATCH = verdict("schema", "schema-mismatch", BROKEN);
const ALREADY_THERE = verdict("schema", "already-exists", EXPECTED);

/** Codes whose verdict differs from that of their class. */
export const VERDICT_BY_CODE: Readonly<Record<string, Verdict>> = {
  "08001": verdict("connection", "connect-failed", LOST),
  "08004": verdict("connection", "connect-refused", LOST),
  "08007": verdict("unknown-outcome", "commit-unknown", UNKNOWN_OUTCOME),
  // A client that speaks wrongly will do so again: not worth a repetition.
  "08P01": verdict("connection", "protocol-violation", { ...LOST, userImpact: "request-failed", retry: "never", escalate: true }),

  "0LP01": verdict("permission", "grant-impossible", BROKEN),

  "2200H": verdict("resource", "sequence-exhausted", { ...BROKEN, severity: "critical" }),

  "23502": verdict("constraint", "not-null", EXPECTED),
  "23503": verdict("constraint", "foreign-key", EXPECTED),
  "23001": verdict("constraint", "foreign-key", EXPECTED),
  "23505": verdict("constraint", "unique", EXPECTED),
  "23514": verdict("constraint", "check", EXPECTED),
  "23P01": verdict("constraint", "exclusion", EXPECTED),

  // A write went to a server that takes none. Over a new connection the name may lead to the primary; nothing was written.
  "25006": verdict("connection", "read-only-server", { userImpact: "request-failed", retry: "connection", connectionUsable: false }),
  "25P02": verdict("transaction", "transaction-failed-before"),
  "25P03": verdict("timeout", "idle-in-transaction-timeout", { connectionUsable: false }),
  "25P04": verdict("timeout", "transaction-timeout", { connectionUsable: false }),

  "28P01": verdict("permission", "password-wrong", { ...BROKEN, severity: "critical", userImpact: "service-unavailable", connectionUsable: false }),

  "40002": verdict("constraint", "constraint-at-commit", EXPECTED),
  "40003": verdict("unknown-outcome", "statement-unknown", UNKNOWN_OUTCOME),
  "40001": verdict("serialization", "serialization-failure", REPEAT),
  "40P01": verdict("deadlock", "deadlock", REPEAT),

  "42501": verdict("permission", "privilege-missing", BROKEN),
  "42601": verdict("query", "syntax", BROKEN),
  "42703": SCHEMA_MISMATCH,
  "42704": SCHEMA_MISMATCH,
  "42883": SCHEMA_MISMATCH,
  "42804": SCHEMA_MISMATCH,
  "42809": SCHEMA_MISMATCH,
  "42P01": SCHEMA_MISMATCH,
  "42P02": verdict("query", "parameter-missing", BROKEN),
  "42P05": verdict("query", "prepared-statement-exists"),
  "428C9": verdict("schema", "generated-column", BROKEN),
  "42701": ALREADY_THERE,
  "42710": ALREADY_THERE,
  "42723": ALREADY_THERE,
  "42P04": ALREADY_THERE,
  "42P06": ALREADY_THERE,
  "42P07": ALREADY_THERE,
  "42611": verdict("schema", "definition-wrong"),
  "42830": verdict("schema", "definition-wrong"),
  "42P12": verdict("schema", "definition-wrong"),
  "42P13": verdict("schema", "definition-wrong"),
  "42P15": verdict("schema", "definition-wrong"),
  "42P16": verdict("schema", "definition-wrong"),
  "42P17": verdict("schema", "definition-wrong"),

  // Repeating a write on a full disk only fills the log.
  "53100": verdict("resource", "disk-full", { severity: "critical", userImpact: "service-unavailable", escalate: true }),
  "53200": verdict("resource", "out-of-memory", { severity: "critical", retry: "transaction", escalate: true }),
  "53300": verdict("resource", "server-connection-limit", { userImpact: "service-unavailable", retry: "connection", connectionUsable: false }),
  "53400": verdict("resource", "configured-limit", { escalate: true }),

  "55006": verdict("resource", "object-in-use", { ...EXPECTED, retry: "transaction" }),
  "55P02": verdict("configuration", "setting-fixed"),
  "55P03": verdict("timeout", "lock-timeout", REPEAT),

  "57014": verdict("timeout", "statement-timeout"),
  "57P01": verdict("connection", "server-shutdown", LOST),
  "57P02": verdict("connection", "server-crash", { ...LOST, severity: "critical", escalate: true }),
  "57P03": verdict("connection", "server-not-ready", LOST),
  "57P04": verdict("configuration", "database-dropped", { severity: "critical", userImpact: "service-unavailable", escalate: true, connectionUsable: false }),
  "57P05": verdict("timeout", "idle-session-timeout", { ...EXPECTED, userImpact: "delayed", retry: "connection", connectionUsable: false }),

  "58030": verdict("resource", "server-io-error", { severity: "critical", userImpact: "service-unavailable", escalate: true }),

  HV001: verdict("resource", "foreign-out-of-memory", { retry: "transaction" }),
  HV00N: verdict("query", "foreign-server-unreachable", { retry: "transaction" }),

  P0001: verdict("application", "raised", EXPECTED),
  P0004: verdict("application", "assertion"),

  XX001: verdict("integrity", "data-corrupted", { severity: "critical", userImpact: "data-at-risk", escalate: true }),
  XX002: verdict("integrity", "index-corrupted", { severity: "critical", userImpact: "data-at-risk", escalate: true }),
};

/** What an error's text adds to its code. */
export interface ServerErrorText {
  readonly message: string;
  /** The constraint or index that the server names. */
  readonly constraint: string;
}

/** Unique indexes of the system catalogs, e.g. `pg_namespace_nspname_index`: hit where two sessions create the same object at once. */
const CATALOG_INDEX = /^pg_[a-z_]+_index$/;

/**
 * Where one code has several meanings, the one that its text tells. The server's texts are matched in English (`lc_messages`); in another language the
 * verdict of the code stands.
 */
export function refineVerdict(code: string, { message, constraint }: ServerErrorText, general: Verdict): Verdict {
  switch (code) {
    case "53300":
      if (message.includes("too many connections for role")) return { ...general, kind: "role-connection-limit" };
      if (message.includes("too many connections for database")) return { ...general, kind: "database-connection-limit" };
      return general;
    case "57014":
      if (message.includes("due to user request")) return verdict("cancelled", "cancelled-by-request", EXPECTED);
      if (message.includes("due to lock timeout")) return VERDICT_BY_CODE["55P03"] ?? general;
      return general;
    case "55P03":
      return message.includes("could not obtain lock") ? { ...general, kind: "lock-not-available" } : general;
    case "23505":
      return CATALOG_INDEX.test(constraint) || /"pg_[a-z_]+_index"/.test(message) ? verdict("serialization", "ddl-race", REPEAT) : general;
    case "XX000":
      return /tuple concurrently (?:updated|deleted)|cache lookup failed/.test(message) ? verdict("serialization", "ddl-race", REPEAT) : general;
    case "0A000":
      return message.includes("cached plan must not change result type") ? verdict("schema", "cached-plan-stale", REPEAT) : general;
    case "08P01":
      // PgBouncer's words for a full queue and for a server that it cannot log in to.
      if (message.includes("query_wait_timeout")) return verdict("resource", "pooler-queue-timeout", { userImpact: "service-unavailable", retry: "connection", connectionUsable: false });
      if (/no more connections allowed|server_login_retry|server login has been failing|cannot connect to server|server DNS lookup failed|server conn crashed|client_login_timeout \(server down\)/.test(message)) return verdict("connection", "pooler-refused", LOST);
      return general;
    case "28000":
      if (message.includes("no pg_hba.conf entry")) return { ...general, kind: "host-not-allowed" };
      if (/role .* does not exist/.test(message)) return { ...general, kind: "role-missing" };
      // The text of RDS where an IAM token is refused, often for a clock that is wrong.
      return message.includes("PAM authentication failed") ? { ...general, kind: "token-refused" } : general;
    default:
      return general;
  }
}

/** The verdict where a connection broke, or was given up, after COMMIT had been sent. */
export const COMMIT_UNKNOWN: Verdict = verdict("unknown-outcome", "commit-unknown", UNKNOWN_OUTCOME);

/** The verdict on what nothing is known about. */
export const UNKNOWN: Verdict = verdict("unknown", "unknown", { escalate: false });
