import { classifyError } from "../../../manager/src/errors";
import type { ErrorClass } from "../../../manager/src/errors";
import { redisVerdict } from "../../../manager/src/errors/redis-errors";
import { RedisReplyError } from "../../../manager/src/redis/resp";
import fc from "../../support/fast-check";

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

test.each<[string, ErrorClass, string, boolean, boolean]>([
  ["NOAUTH Authentication required.", "permission", "login-failed", false, false],
  ["WRONGPASS invalid username-password pair or user is disabled.", "permission", "login-failed", false, false],
  ["NOPERM this user has no permissions to access one of the keys used as arguments", "permission", "privilege-missing", false, true],
  ["ERR The user executing the script can't run this command or subcommand script: 00, on @user_script:1.", "permission", "privilege-missing", false, true],
  ["OOM command not allowed when used memory > 'maxmemory'.", "resource", "out-of-memory", false, true],
  ["LOADING Redis is loading the dataset in memory", "connection", "server-not-ready", true, false],
  ["READONLY You can't write against a read only replica.", "connection", "read-only-server", true, false],
  ["BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "resource", "server-busy-with-script", true, true],
  ["MISCONF Errors writing to the AOF file: No space left on device", "resource", "server-io-error", false, true],
  ["CLUSTERDOWN Hash slot not served", "connection", "server-not-ready", true, false],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "connection", "server-not-ready", true, false],
  ["MOVED 3999 127.0.0.1:6381", "configuration", "cluster-without-cluster-client", false, true],
  ["NOREPLICAS Not enough good replicas to write.", "resource", "replicas-missing", true, true],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", "data", "wrong-type", false, true],
  ["EXECABORT Transaction discarded because of previous errors.", "transaction", "transaction-failed-before", false, true],
  ["NOSCRIPT No matching script. Please use EVAL.", "schema", "script-missing", false, true],
  ["BUSYGROUP Consumer Group name already exists", "constraint", "consumer-group-exists", false, true],
  ["ERR max number of clients reached", "resource", "server-connection-limit", true, false],
  ["ERR value is not an integer or out of range", "data", "value", false, true],
  ["ERR unknown command 'FOO', with args beginning with: ", "query", "command", false, true],
  ["ERR wrong number of arguments for 'get' command", "query", "command", false, true],
  ["limit exceeded", "application", "script-error", false, true],
  ["SOLDOUT nothing left", "application", "script-error", false, true],
])("what Redis answers: %s", (message, errorClass, kind, retryable, connectionUsable) => {
  expect(classifyError(new RedisReplyError(message))).toMatchObject({ class: errorClass, kind, retryable, connectionUsable });
  // node-redis has other names for the same.
  expect(classifyError(named("SimpleError", message))).toMatchObject({ class: errorClass, kind });
});

test.each<[Error, ErrorClass, boolean]>([
  [named("MaxRetriesPerRequestError", "Reached the max retries per request limit (which is 0). Refer to \"maxRetriesPerRequest\" option for details."), "connection", true],
  [named("AbortError", "Command aborted due to connection close"), "connection", true],
  [named("Error", "Connection is closed."), "connection", true],
  [named("Error", "Stream isn't writeable and enableOfflineQueue options is false"), "connection", true],
  [named("Error", "Socket timeout. Expecting data, but didn't receive any in 4000ms."), "connection", true],
  [named("Error", "Command timed out"), "timeout", false],
  [Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT" }), "connection", true],
  [Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:6379"), { code: "ECONNREFUSED" }), "connection", true],
  [Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }), "connection", true],
  [Object.assign(new Error("self-signed certificate in certificate chain"), { code: "SELF_SIGNED_CERT_IN_CHAIN" }), "configuration", false],
  [named("AbortError", "This operation was aborted"), "cancelled", false],
])("what its client says: %s", (error, errorClass, retryable) => {
  expect(classifyError(error)).toMatchObject({ class: errorClass, retryable });
});

test("the arguments of a command that Redis does not know are not repeated", () => {
  const { message } = classifyError(new RedisReplyError("ERR unknown command 'SETT', with args beginning with: 'auth:session' 'a card number' "));
  expect(message).toBe("ERR unknown command 'SETT', with args beginning with: ****");
});

test("an error of Postgres or of anything else that begins with a word of Redis stays what it is", () => {
  expect(redisVerdict({ code: "", name: "error", message: "OOM in somebody's trigger" })).toBeUndefined();
  expect(classifyError(Object.assign(new Error("BUSY"), { code: "40001" })).class).toBe("serialization");
  expect(classifyError(new Error("LOADING failed"))).toMatchObject({ class: "unknown" });
});

test("whatever an answer says, there is a verdict on it, and none is thrown", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.tuple(fc.constantFrom("ERR", "OOM", "constructor", "__proto__", "toString"), fc.string()).map((words) => words.join(" "))), (message) => {
    const { class: errorClass, kind } = classifyError(named("ReplyError", message));
    expect([typeof errorClass, typeof kind]).toEqual(["string", "string"]);
    expect(errorClass).not.toBe("unknown");
  }));
});
