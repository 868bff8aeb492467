/**
 * What a service may do in Redis, as rules of its ACL for Redis 7.0 and every later version, and Valkey. Nothing is allowed that is not named here, so that a command which a later version or a module brings is
 * refused until somebody has looked at it. In order: later rules win.
 */
export const SERVICE_COMMANDS: readonly string[] = [
  "-@all",
  // Commands on values of one type. Redis checks every key that they name.
  ...["string", "bitmap", "hash", "list", "set", "sortedset", "stream", "geo", "hyperloglog"].map((category) => `+@${category}`),
  // Of @keyspace only what names its keys: SCAN, RANDOMKEY and DBSIZE tell of everybody's keys, and Redis does not filter their answers. DUMP, RESTORE, MIGRATE and MOVE take values to other places.
  ...["copy", "del", "exists", "expire", "expireat", "expiretime", "object", "persist", "pexpire", "pexpireat", "pexpiretime", "pttl", "rename", "renamenx", "touch", "ttl", "type", "unlink", "memory|usage"].map((command) => `+${command}`),
  "+@transaction",
  "+@connection",
  // Tracking in broadcast mode names every key that anybody changes.
  "-client|tracking",
  "+@pubsub",
  // PUBSUB CHANNELS names everybody's channels.
  "-pubsub",
  // Locks, queues and rate limits of the common libraries are scripts. Redis runs them with the caller's rights, so a key that is not the service's is refused inside too. Functions are one library for all: not these.
  ...["eval", "eval_ro", "evalsha", "evalsha_ro", "script|load", "script|exists"].map((command) => `+${command}`),
  "+time",
  "+acl|whoami",
  // Last, so that nothing above brings one of these back: KEYS, FLUSHALL, CONFIG, INFO, MONITOR, CLIENT KILL, SORT (reads foreign keys by pattern before 7.0), …
  "-@admin",
  "-@dangerous",
];

/** Of the admin, who is in nobody's way of work: everything. */
export const ADMIN_COMMANDS: readonly string[] = ["+@all"];

export const NO_COMMANDS: readonly string[] = ["-@all"];
