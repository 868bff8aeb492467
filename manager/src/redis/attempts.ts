import type { StoreRule } from "../validate/rules";
import { isRefusal, RedisReplyError } from "./resp";
import type { Reply } from "./resp";
import type { RedisSession } from "./session";

/** A command that a service tries, and must be refused. */
export interface RefusedAttempt {
  readonly rule: StoreRule;
  readonly parts: readonly string[];
  /** It only shows what it may when it runs, as a script's commands do; so it is run, and must do no harm. Otherwise Redis only takes it in, as part of a transaction that is discarded. */
  readonly run?: boolean;
}

export interface AttemptOutcome {
  readonly attempt: RefusedAttempt;
  /** Undefined: it was refused for lack of permission. */
  readonly problem: string | undefined;
}

/** What a service tries with a key or channel that is not its own; `own` is one of its own. */
export function foreignAttempts(own: string, foreign: string): readonly RefusedAttempt[] {
  const rule = "redis-no-foreign-keys";
  const commands = [
    ["GET", foreign],
    ["SET", foreign, "x", "EX", "1"],
    ["DEL", foreign],
    ["MGET", own, foreign],
    ["RENAME", own, foreign],
    ["COPY", foreign, own],
    ["HGETALL", foreign],
    ["TYPE", foreign],
    ["EXPIRE", foreign, "1"],
    ["XREAD", "STREAMS", foreign, "0"],
    ["BLPOP", foreign, "1"],
    ["OBJECT", "ENCODING", foreign],
    ["MEMORY", "USAGE", foreign],
    ["EVAL", "return 1", "1", foreign],
    ["SORT", own, "BY", "nosort", "GET", `${foreign}*`],
    ["PUBLISH", foreign, "x"],
    ["SUBSCRIBE", foreign],
    ["PSUBSCRIBE", `${foreign}*`],
  ];
  // A script may name a key without having announced it: only when it runs is that seen.
  const undeclared: RefusedAttempt = { rule, parts: ["EVAL", "return redis.call('EXISTS', ARGV[1])", "0", foreign], run: true };
  return [...commands.map((parts): RefusedAttempt => ({ rule, parts })), undeclared];
}

/** What tells of everybody's keys and doings, whoever it is. */
export const WATCHING_ATTEMPTS: readonly RefusedAttempt[] = [
  ["PSUBSCRIBE", "*"],
  ["SUBSCRIBE", "__keyevent@0__:set"],
  ["PUBSUB", "CHANNELS"],
  ["CLIENT", "TRACKING", "ON", "BCAST"],
  ["SCAN", "0"],
  ["RANDOMKEY"],
  ["DBSIZE"],
].map((parts): RefusedAttempt => ({ rule: "redis-no-foreign-keys", parts }));

/**
 * What steers the server, whoever it is. Where it can be, the arguments are such as would be refused by an admin's session too: it would take two mistakes for one of them to do something. `own` is a key of the service's: with another it would be refused for the key.
 */
export function adminAttempts(own: string): readonly RefusedAttempt[] {
  const queued = [
    ["KEYS", "*"],
    ["FLUSHALL", "BULKHEAD"],
    ["FLUSHDB", "BULKHEAD"],
    ["SWAPDB", "bulkhead", "bulkhead"],
    ["CONFIG", "GET", "bulkhead"],
    ["CONFIG", "SET", "bulkhead", "1"],
    ["CONFIG", "REWRITE"],
    ["ACL", "LIST"],
    ["ACL", "GETUSER", "bulkhead"],
    ["ACL", "SETUSER", "bulkhead", "bulkhead"],
    ["ACL", "LOAD"],
    ["DEBUG", "OBJECT", own],
    ["SCRIPT", "FLUSH", "BULKHEAD"],
    ["SCRIPT", "KILL"],
    ["FUNCTION", "LIST"],
    ["FUNCTION", "FLUSH", "BULKHEAD"],
    ["FCALL", "bulkhead", "0"],
    ["CLIENT", "LIST"],
    ["CLIENT", "KILL", "ID", "0"],
    ["CLIENT", "PAUSE", "0"],
    ["INFO"],
    ["SLOWLOG", "GET"],
    ["LATENCY", "LATEST"],
    ["MODULE", "LIST"],
    ["CLUSTER", "NODES"],
    ["REPLICAOF", "bulkhead", "none"],
    ["FAILOVER", "BULKHEAD"],
    ["MIGRATE", "bulkhead", "none", own, "0", "1"],
    ["RESTORE", own, "0", "bulkhead"],
    ["LASTSAVE"],
    ["ROLE"],
  ];
  // These cannot be part of a transaction: Redis says so before it looks at the permission.
  const executed = [
    ["SHUTDOWN", "BULKHEAD"],
    ["EVAL", "return redis.call('KEYS', 'bulkhead')", "0"],
    ["EVAL", "return redis.call('FLUSHALL', 'BULKHEAD')", "0"],
    // Last: where it is allowed, what comes after it is no answer any more.
    ["MONITOR"],
  ];
  const rule = "redis-no-admin";
  return [...queued.map((parts): RefusedAttempt => ({ rule, parts })), ...executed.map((parts): RefusedAttempt => ({ rule, parts, run: true }))];
}

/**
 * Tries them all on one connection. Redis decides on the permission when it takes a command into a transaction, by the same check as ever; the transaction is discarded, so even what is allowed has no effect. The order of
 * `attempts` is kept; those that `run` come after the others.
 *
 * @throws BulkheadError where the connection is lost
 * @throws RedisReplyError where there can be no transaction, and nothing else was sent
 */
export async function runRefusedAttempts(session: RedisSession, attempts: readonly RefusedAttempt[]): Promise<AttemptOutcome[]> {
  const outcomes: AttemptOutcome[] = [];
  await session.send("MULTI");
  try {
    for (const attempt of attempts.filter(({ run }) => run !== true)) outcomes.push(judge(attempt, await answerTo(session, attempt.parts)));
  } finally {
    await session.send("DISCARD");
  }
  for (const attempt of attempts.filter(({ run }) => run === true)) outcomes.push(judge(attempt, await answerTo(session, attempt.parts)));
  return outcomes;
}

async function answerTo(session: RedisSession, parts: readonly string[]): Promise<Reply> {
  try {
    return await session.send(...parts);
  } catch (error) {
    if (error instanceof RedisReplyError) return error;
    throw error;
  }
}

function judge(attempt: RefusedAttempt, reply: Reply): AttemptOutcome {
  const name = attempt.parts.join(" ");
  if (!(reply instanceof RedisReplyError)) return { attempt, problem: `${name} is allowed` };
  return { attempt, problem: isRefusal(reply) || isSwitchedOff(reply) ? undefined : `${name} fails for another reason than lack of permission, which proves nothing: ${reply.message}` };
}

/** DEBUG and MODULE are refused to everybody, the admin included, before anybody's permission is looked at. */
function isSwitchedOff({ message }: RedisReplyError): boolean {
  return /command not allowed\. If the enable-(?:debug|module)-command option/.test(message);
}
