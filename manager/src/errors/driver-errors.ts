import type { ErrorClass, Verdict } from "./classified-error";

function verdict(errorClass: ErrorClass, kind: string, more: Partial<Verdict> = {}): Verdict {
  return { class: errorClass, kind, severity: "error", userImpact: "request-failed", retry: "never", escalate: false, connectionUsable: false, ...more };
}

const LOST = { userImpact: "service-unavailable", retry: "connection" } as const;
const MISCONFIGURED = { severity: "critical", userImpact: "service-unavailable", escalate: true } as const;

const UNREACHABLE = verdict("connection", "network-unreachable", LOST);
const BROKEN = verdict("connection", "connection-lost", LOST);
const NOT_TRUSTED = verdict("configuration", "tls-not-trusted", MISCONFIGURED);
const EXPIRED = verdict("configuration", "tls-certificate-dates", MISCONFIGURED);
const TLS = verdict("configuration", "tls-failed", MISCONFIGURED);
const OUT_OF_FILES = verdict("resource", "client-file-limit", { severity: "critical", userImpact: "service-unavailable", retry: "connection", escalate: true });
const MISUSE = verdict("internal", "driver-misused", { severity: "error" });
const LOGIN = verdict("permission", "login-failed", MISCONFIGURED);

/** `error.code` of Node's own errors: sockets, DNS, streams, TLS (which are OpenSSL's names for why a certificate is refused). */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: verdict("connection", "connect-refused", LOST),
  ECONNRESET: BROKEN,
  ECONNABORTED: BROKEN,
  EPIPE: BROKEN,
  ENOTCONN: BROKEN,
  ESHUTDOWN: BROKEN,
  ERR_STREAM_DESTROYED: BROKEN,
  ERR_STREAM_PREMATURE_CLOSE: BROKEN,
  ERR_STREAM_WRITE_AFTER_END: BROKEN,
  ERR_SOCKET_CLOSED: BROKEN,
  ERR_SOCKET_CLOSED_BEFORE_CONNECTION: BROKEN,
  ETIMEDOUT: verdict("connection", "network-timeout", LOST),
  ERR_SOCKET_CONNECTION_TIMEOUT: verdict("connection", "network-timeout", LOST),
  ENETUNREACH: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETRESET: UNREACHABLE,
  // A name may be gone for a moment (a failover writes it anew), so both are repeated.
  ENOTFOUND: verdict("connection", "name-not-found", LOST),
  EAI_AGAIN: verdict("connection", "name-service-failed", LOST),
  EAI_FAIL: verdict("connection", "name-service-failed", LOST),
  EAI_NODATA: verdict("connection", "name-not-found", LOST),
  EAI_NONAME: verdict("connection", "name-not-found", LOST),
  ESERVFAIL: verdict("connection", "name-service-failed", LOST),
  EADDRNOTAVAIL: verdict("resource", "client-ports-exhausted", { userImpact: "service-unavailable", retry: "connection", escalate: true }),
  EMFILE: OUT_OF_FILES,
  ENFILE: OUT_OF_FILES,
  ENOBUFS: verdict("resource", "client-out-of-memory", LOST),
  ENOMEM: verdict("resource", "client-out-of-memory", LOST),
  ENOENT: verdict("connection", "socket-missing", LOST),
  EACCES: verdict("configuration", "socket-not-permitted", MISCONFIGURED),
  EPERM: verdict("configuration", "socket-not-permitted", MISCONFIGURED),
  ENAMETOOLONG: verdict("configuration", "socket-path-too-long", MISCONFIGURED),
  EINVAL: verdict("configuration", "address-invalid", MISCONFIGURED),
  EAFNOSUPPORT: verdict("configuration", "address-invalid", MISCONFIGURED),
  ERR_INVALID_URL: verdict("configuration", "address-invalid", MISCONFIGURED),
  ERR_SOCKET_BAD_PORT: verdict("configuration", "address-invalid", MISCONFIGURED),
  ABORT_ERR: verdict("cancelled", "aborted", { severity: "warning" }),
  ERR_INVALID_ARG_TYPE: MISUSE,
  ERR_INVALID_ARG_VALUE: MISUSE,

  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  CERT_UNTRUSTED: NOT_TRUSTED,
  CERT_REJECTED: NOT_TRUSTED,
  CERT_REVOKED: NOT_TRUSTED,
  CERT_CHAIN_TOO_LONG: NOT_TRUSTED,
  CERT_SIGNATURE_FAILURE: NOT_TRUSTED,
  INVALID_CA: NOT_TRUSTED,
  INVALID_PURPOSE: NOT_TRUSTED,
  PATH_LENGTH_EXCEEDED: NOT_TRUSTED,
  CERT_HAS_EXPIRED: EXPIRED,
  CERT_NOT_YET_VALID: EXPIRED,
  CRL_HAS_EXPIRED: EXPIRED,
  CRL_NOT_YET_VALID: EXPIRED,
  UNABLE_TO_GET_CRL: TLS,
  ERR_TLS_CERT_ALTNAME_INVALID: verdict("configuration", "tls-host-name", MISCONFIGURED),
  HOSTNAME_MISMATCH: verdict("configuration", "tls-host-name", MISCONFIGURED),
  EPROTO: TLS,
};

/** Families of codes: OpenSSL's and Node's TLS errors, and this library's own for connection URLs. */
const BY_CODE_PREFIX: readonly (readonly [string, Verdict])[] = [
  ["ERR_TLS_", TLS],
  ["ERR_SSL_", TLS],
  ["ERR_OSSL_", TLS],
  ["DATABASE_URL_", verdict("configuration", "address-invalid", MISCONFIGURED)],
];

/** Errors of node-postgres 8.23, pg-pool 3.14 and pg-protocol that have no code, by their text. The first that matches holds. */
const BY_MESSAGE: readonly (readonly [RegExp, Verdict])[] = [
  [/^Query read timeout$/, verdict("timeout", "query-deadline")],
  // pg-pool says this both where every connection is taken and where the database is down.
  [/^timeout exceeded when trying to connect$/, verdict("timeout", "pool-exhausted-or-down", LOST)],
  [/^timeout expired$|^Connection terminated due to connection timeout$/, verdict("timeout", "connect-timeout", LOST)],
  [/^Connection terminated(?: unexpectedly)?$/, BROKEN],
  [/^Client has encountered a connection error and is not queryable$/, BROKEN],
  [/^Client was closed and is not queryable$|^Client has already been connected/, verdict("internal", "client-reused")],
  [/^Cannot use a pool after calling end on the pool$|^Called end on pool more than once$/, verdict("internal", "pool-closed")],
  [/^Release called on client which has already been released/, verdict("internal", "released-twice", { escalate: true })],
  [/^The server does not support SSL connections$/, verdict("configuration", "tls-not-offered", MISCONFIGURED)],
  [/^There was an error establishing an SSL connection$/, TLS],
  [/^SASL: .*(?:signature does not match|nonce)/, verdict("permission", "server-not-authentic", MISCONFIGURED)],
  [/^SASL: .*client password must be/, verdict("permission", "password-missing", MISCONFIGURED)],
  [/^SASL|^Password must be a string|^Unknown authenticationOk message type/, LOGIN],
  [/^Received unexpected .* message from backend/, verdict("connection", "protocol-violation", { escalate: true })],
  [/^A query must have either text or a name|^Query values must be an array|^Prepared statements must be unique|^Client was passed a null or undefined query|^Passing a function as the first parameter/, { ...MISUSE, connectionUsable: true }],
  [/^getaddrinfo /, verdict("connection", "name-service-failed", LOST)],
  [/^Client network socket disconnected before secure TLS connection was established$|^socket hang up$|^read ECONNRESET|^write EPIPE/, BROKEN],
];

/** By the `name` of an error, which is all that aborted signals have. */
const BY_NAME: Readonly<Record<string, Verdict>> = {
  AbortError: verdict("cancelled", "aborted", { severity: "warning" }),
  TimeoutError: verdict("timeout", "client-deadline"),
};

/** The verdict on an error of Node or of node-postgres; undefined where it is neither. */
export function driverVerdict(error: { readonly code: string; readonly message: string; readonly name: string }): Verdict | undefined {
  const { code, message, name } = error;
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  for (const [prefix, found] of BY_CODE_PREFIX) if (code.startsWith(prefix)) return found;
  for (const [pattern, found] of BY_MESSAGE) if (pattern.test(message)) return found;
  return Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
}
