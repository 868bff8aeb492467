import { describeFound } from "../../support/describe-where";
import { obtainNewerRedis, obtainRedis } from "../../support/redis-server";
import type { RedisProgram } from "../../support/redis-server";

/** Declares the tests once for each kind of Redis: the machine's (Debian 12's is 7.0), Redis 8 and Valkey 8. */
export function describeEachRedis(name: string, tests: (program: Exclude<RedisProgram, { missing: string }>) => void): void {
  for (const [kind, program] of Object.entries({ Redis: obtainRedis(), "newer Redis": obtainNewerRedis("redis"), Valkey: obtainNewerRedis("valkey") })) {
    describeFound(program, "version" in program ? `${name} (${kind} ${program.version})` : `${name} (${kind})`, tests);
  }
}
