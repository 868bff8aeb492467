import { obtainNewerRedis, obtainRedis } from "../../support/redis-server";
import type { RedisProgram } from "../../support/redis-server";

/** Declares the tests once for each kind of Redis: the machine's (Debian 12's is 7.0), Redis 8 and Valkey 8. One line for all of a kind's tests where it cannot be had. */
export function describeEachRedis(name: string, tests: (program: Exclude<RedisProgram, { missing: string }>) => void): void {
  for (const [kind, program] of Object.entries({ Redis: obtainRedis(), "newer Redis": obtainNewerRedis("redis"), Valkey: obtainNewerRedis("valkey") })) {
    if ("missing" in program) test.skip(`${name} (${kind} is not tried: ${program.missing})`, () => {});
    else describe(`${name} (${kind} ${program.version})`, () => tests(program));
  }
}
