import type { ErrorClass, Verdict } from "./classified-error";

function verdict(errorClass: ErrorClass, kind: string, more: Partial<Verdict> = {}): Verdict {
  return { class: errorClass, kind, severity: "error", userImpact: "request-failed", retry: "never", escalate: false, connectionUsable: true, ...more };
}

const LOST = { userImpact: "service-unavailable", retry: "connection", connectionUsable: false } as const;
const MISCONFIGURED = { severity: "critical", userImpact: "service-unavailable", escalate: true } as const;
const BROKEN = verdict("connection", "connection-lost", LOST);
const LOGIN = verdict("permission", "login-failed", { ...MISCONFIGURED, connectionUsable: false });
const OUT_OF_MEMORY = verdict("resource", "out-of-memory", { severity: "critical", userImpact: "feature-unavailable", escalate: true });
const NOT_READY = verdict("connection", "server-not-ready", LOST);
const BUSY = verdict("resource", "server-busy-with-script", { severity: "critical", userImpact: "service-unavailable", retry: "statement", escalate: true });
const ELSEWHERE = verdict("configuration", "cluster-without-cluster-client", MISCONFIGURED);
const QUERY = verdict("query", "command", { severity: "error" });

/** The word that an error of Redis begins with; for versions 7 and 8. */
const BY_WORD: Readonly<Record<string, Verdict>> = {
  NOAUTH: LOGIN,
  WRONGPASS: LOGIN,
  NOPERM: verdict("permission", "privilege-missing", { userImpact: "feature-unavailable", escalate: true }),
  DENIED: verdict("configuration", "server-in-protected-mode", { ...MISCONFIGURED, connectionUsable: false }),
  // Only writes are refused. Not repeated: nothing is evicted, so somebody must make room.
  OOM: OUT_OF_MEMORY,
  // It reads its data after a start.
  LOADING: NOT_READY,
  MASTERDOWN: NOT_READY,
  CLUSTERDOWN: NOT_READY,
  TRYAGAIN: verdict("connection", "server-not-ready", { retry: "statement", userImpact: "delayed" }),
  // After a fail-over the name leads to the new primary.
  READONLY: verdict("connection", "read-only-server", { retry: "connection", connectionUsable: false }),
  UNBLOCKED: verdict("connection", "role-changed", { retry: "connection", connectionUsable: false }),
  NOREPLICAS: verdict("resource", "replicas-missing", { severity: "critical", userImpact: "service-unavailable", retry: "statement", escalate: true }),
  BUSY,
  UNKILLABLE: BUSY,
  NOTBUSY: QUERY,
  // Its disk is full or fails, so it takes no more writes.
  MISCONF: verdict("resource", "server-io-error", { severity: "critical", userImpact: "service-unavailable", escalate: true }),
  MOVED: ELSEWHERE,
  ASK: ELSEWHERE,
  CROSSSLOT: verdict("query", "keys-of-several-slots"),
  WRONGTYPE: verdict("data", "wrong-type"),
  EXECABORT: verdict("transaction", "transaction-failed-before"),
  NOSCRIPT: verdict("schema", "script-missing"),
  NOGROUP: verdict("schema", "consumer-group-missing"),
  BUSYGROUP: verdict("constraint", "consumer-group-exists", { severity: "info", userImpact: "none" }),
  BUSYKEY: verdict("constraint", "key-exists"),
  NOPROTO: verdict("configuration", "protocol-version", MISCONFIGURED),
  DIFF: verdict("application", "script-error"),
  ERR: QUERY,
};

/** What `ERR`, the word for everything else, is followed by. The first that matches holds. */
const BY_ERR_TEXT: readonly (readonly [RegExp, Verdict])[] = [
  [/^ERR max number of clients reached/, verdict("resource", "server-connection-limit", { userImpact: "service-unavailable", retry: "connection", connectionUsable: false })],
  [/^ERR (?:AUTH |Client sent AUTH)/, LOGIN],
  [/^(?:ERR )?(?:The user executing the script can't |ACL failure in script)/, verdict("permission", "privilege-missing", { userImpact: "feature-unavailable", escalate: true })],
  [/^ERR (?:value is not|value is out of range|increment |hash value is not|bit (?:offset|is not)|offset is out|string exceeds|index out of range|no such key|invalid expire)/, verdict("data", "value")],
  [/^ERR (?:EXEC|DISCARD|WATCH|MULTI) /, verdict("transaction", "transaction-state")],
  [/^ERR (?:Error running script|user_script|Error compiling script)|script: [0-9a-f]{40}/, verdict("application", "script-error")],
];

/** Errors of ioredis 5 and 6 that are no answer of the server, by their text. */
const BY_CLIENT_TEXT: readonly (readonly [RegExp, Verdict])[] = [
  [/^Reached the max retries per request limit/, BROKEN],
  [/^Command aborted due to connection close$|^Connection is closed\.$|^Stream isn't writeable and enableOfflineQueue options is false$|^Socket timeout\. Expecting data/, BROKEN],
  [/^All sentinels are unreachable|^None of startup nodes is available|^Failed to refresh slots cache/, verdict("connection", "network-unreachable", LOST)],
  // Not repeated: it would take as long again, and where it was a write, it may have happened.
  [/^Command timed out$/, verdict("timeout", "query-deadline")],
  [/^Connection in subscriber mode|^Redis is already connecting\/connected$/, verdict("internal", "client-misused")],
];

const BY_CODE: Readonly<Record<string, Verdict>> = {
  REDIS_LOGIN_REFUSED: LOGIN,
  REDIS_TIMEOUT: verdict("timeout", "query-deadline", { connectionUsable: false }),
  REDIS_SECRET_UNUSABLE: verdict("configuration", "secret-unreadable", MISCONFIGURED),
  REDIS_CLIENT_MISSING: verdict("configuration", "redis-client-missing", MISCONFIGURED),
};

/** The names that errors of a server have in ioredis (and here), and in node-redis 4 and 5. */
const REPLY_NAMES = new Set(["ReplyError", "ErrorReply", "SimpleError", "BlobError"]);

/** The verdict on an error of Redis or of a client for it; undefined where it is neither. */
export function redisVerdict({ code, message, name }: { readonly code: string; readonly message: string; readonly name: string }): Verdict | undefined {
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  if (code !== "") return undefined;
  if (REPLY_NAMES.has(name)) {
    const word = /^[A-Z]+(?= |$)/.exec(message)?.[0] ?? "";
    for (const [pattern, found] of BY_ERR_TEXT) if (pattern.test(message)) return found;
    // A script may end with an error in any words.
    return Object.hasOwn(BY_WORD, word) ? BY_WORD[word] : verdict("application", "script-error");
  }
  for (const [pattern, found] of BY_CLIENT_TEXT) if (pattern.test(message)) return found;
  return undefined;
}
