import type { ErrorClass, Verdict } from "./classified-error";

function verdict(errorClass: ErrorClass, kind: string, more: Partial<Verdict> = {}): Verdict {
  return { class: errorClass, kind, severity: "error", userImpact: "request-failed", retry: "never", escalate: false, connectionUsable: true, ...more };
}

const MISCONFIGURED = { severity: "critical", userImpact: "service-unavailable", escalate: true } as const;
const BROKEN = { userImpact: "feature-unavailable", escalate: true } as const;
const LOST = { userImpact: "service-unavailable", retry: "connection", connectionUsable: false } as const;
const BUSY = { severity: "warning", userImpact: "delayed", retry: "statement" } as const;
const EXPECTED = { severity: "warning" } as const;

const LOGIN = verdict("permission", "login-failed", { ...MISCONFIGURED, connectionUsable: false });
const DENIED = verdict("permission", "privilege-missing", BROKEN);
const CONSTRAINED = verdict("permission", "setting-constrained", BROKEN);
const SCHEMA = verdict("schema", "schema-mismatch", BROKEN);
const ALREADY_THERE = verdict("schema", "already-exists", EXPECTED);
const STATEMENT = verdict("query", "statement-wrong", BROKEN);
const VALUE = verdict("data", "value", EXPECTED);
const QUERY_LIMIT = verdict("resource", "query-limit");
const NETWORK = verdict("connection", "network-timeout", LOST);
const STOPPING = verdict("connection", "server-stopping", LOST);
const DAMAGED = verdict("integrity", "data-damaged", { severity: "critical", userImpact: "data-at-risk", escalate: true });
const INTERNAL = verdict("internal", "server-internal", { severity: "critical", escalate: true });

/** By the number of ClickHouse's exception (src/Common/ErrorCodes.cpp), which no version changes the meaning of. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  192: LOGIN, // UNKNOWN_USER
  193: LOGIN, // WRONG_PASSWORD
  194: LOGIN, // REQUIRED_PASSWORD
  195: LOGIN, // IP_ADDRESS_NOT_ALLOWED
  516: LOGIN, // AUTHENTICATION_FAILED
  291: DENIED, // DATABASE_ACCESS_DENIED
  497: DENIED, // ACCESS_DENIED
  164: CONSTRAINED, // READONLY
  452: CONSTRAINED, // SETTING_CONSTRAINT_VIOLATION

  // Not repeated: the quota is full until its interval ends, and each try would be counted.
  201: verdict("resource", "quota-exceeded", BROKEN),
  202: verdict("resource", "too-many-queries", { ...BUSY, escalate: true }),
  241: verdict("resource", "query-memory-limit"),
  243: verdict("resource", "disk-full", MISCONFIGURED),
  252: verdict("resource", "too-many-parts", { ...BUSY, escalate: true }),
  158: QUERY_LIMIT, // TOO_MANY_ROWS
  161: QUERY_LIMIT, // TOO_MANY_COLUMNS
  191: QUERY_LIMIT, // SET_SIZE_LIMIT_EXCEEDED
  307: QUERY_LIMIT, // TOO_MANY_BYTES
  396: QUERY_LIMIT, // TOO_MANY_ROWS_OR_BYTES
  425: verdict("resource", "server-resources", BUSY),
  439: verdict("resource", "server-threads", BUSY),

  159: verdict("timeout", "statement-timeout"),
  160: verdict("timeout", "statement-too-slow"),
  394: verdict("cancelled", "statement-cancelled", EXPECTED),

  16: SCHEMA, // NO_SUCH_COLUMN_IN_TABLE
  46: SCHEMA, // UNKNOWN_FUNCTION
  47: SCHEMA, // UNKNOWN_IDENTIFIER
  60: SCHEMA, // UNKNOWN_TABLE
  57: ALREADY_THERE, // TABLE_ALREADY_EXISTS
  82: ALREADY_THERE, // DATABASE_ALREADY_EXISTS
  81: verdict("configuration", "database-missing", MISCONFIGURED),

  36: STATEMENT, // BAD_ARGUMENTS
  42: STATEMENT, // NUMBER_OF_ARGUMENTS_DOESNT_MATCH
  43: STATEMENT, // ILLEGAL_TYPE_OF_ARGUMENT
  48: verdict("query", "not-supported", BROKEN),
  62: STATEMENT, // SYNTAX_ERROR
  115: STATEMENT, // UNKNOWN_SETTING
  215: STATEMENT, // NOT_AN_AGGREGATE

  6: VALUE, // CANNOT_PARSE_TEXT
  27: VALUE, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38: VALUE, // CANNOT_PARSE_DATE
  41: VALUE, // CANNOT_PARSE_DATETIME
  53: VALUE, // TYPE_MISMATCH
  69: VALUE, // ARGUMENT_OUT_OF_BOUND
  70: VALUE, // CANNOT_CONVERT_TYPE
  72: VALUE, // CANNOT_PARSE_NUMBER
  117: VALUE, // INCORRECT_DATA
  153: VALUE, // ILLEGAL_DIVISION
  349: VALUE, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  469: verdict("constraint", "check", EXPECTED),

  32: verdict("connection", "connection-lost", LOST), // ATTEMPT_TO_READ_AFTER_EOF
  203: verdict("connection", "server-connections", LOST),
  209: NETWORK, // SOCKET_TIMEOUT
  210: verdict("connection", "connection-lost", LOST),
  236: STOPPING, // ABORTED
  242: verdict("connection", "table-read-only", BUSY),
  279: verdict("connection", "network-unreachable", LOST),
  373: verdict("serialization", "session-busy", BUSY),
  999: verdict("connection", "coordination-lost", BUSY),

  40: DAMAGED, // CHECKSUM_DOESNT_MATCH
  246: DAMAGED, // CORRUPTED_DATA
  271: DAMAGED, // CANNOT_DECOMPRESS
  49: INTERNAL, // LOGICAL_ERROR
  1001: INTERNAL, // STD_EXCEPTION
  1002: INTERNAL, // UNKNOWN_EXCEPTION
};

/** Of the whole server, not of the one query: others took it, and may give it back. */
const SERVER_MEMORY = verdict("resource", "server-memory-limit", { ...BUSY, severity: "critical", escalate: true });

/** What `@clickhouse/client` 1.23 says of its own. The statement may run on in the server after it. */
const CLIENT_DEADLINE = verdict("timeout", "query-deadline", { connectionUsable: false });
const ABORTED = verdict("cancelled", "aborted", { severity: "warning", connectionUsable: false });

/** Codes of this library whose text begins with the server's own. */
const OWN_CODES = new Set(["", "CLICKHOUSE_EXCEPTION"]);

/**
 * The verdict on an exception of a ClickHouse server: as `@clickhouse/client` throws it, its number in `code`; or as the server's text, which is all that is left of those of servers before 21.x. Undefined for any other error.
 */
export function clickHouseVerdict({ code, message }: { readonly code: string; readonly message: string }): Verdict | undefined {
  const number = /^\d{1,4}$/.test(code) ? code : OWN_CODES.has(code) ? /^(?:Poco::Exception\. )?Code: (\d{1,4})[.,] /.exec(message)?.[1] : undefined;
  if (number === "241" && message.includes("(total)")) return SERVER_MEMORY;
  if (number !== undefined) return Object.hasOwn(BY_CODE, number) ? BY_CODE[number] : undefined;
  if (code !== "") return Object.hasOwn(OWN_FAILURES, code) ? OWN_FAILURES[code] : undefined;
  if (message === "Timeout error.") return CLIENT_DEADLINE;
  return message === "The user aborted a request." ? ABORTED : undefined;
}

/** This library's own. */
const OWN_FAILURES: Readonly<Record<string, Verdict>> = {
  CLICKHOUSE_TIMEOUT: CLIENT_DEADLINE,
  CLICKHOUSE_HEALTH_TIMEOUT: verdict("timeout", "probe-deadline", { userImpact: "service-unavailable" }),
  CLICKHOUSE_SDK_MISSING: verdict("configuration", "clickhouse-sdk-missing", MISCONFIGURED),
};
