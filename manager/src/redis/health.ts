import { messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import type { RedisClient } from "./client";

/** How a client's Redis is. */
export interface RedisHealth {
  readonly status: "healthy" | "unhealthy";
  /** How long it took to answer, in milliseconds; undefined where it did not. */
  readonly ms: number | undefined;
  /** What is wrong, without secrets; undefined where it is healthy. */
  readonly reason: string | undefined;
}

/** Asks whether it answers, for at most `timeoutMs` (default 1,000). Never rejects. A full Redis answers: whether it takes writes, only a write shows. */
export async function redisHealth(client: Pick<RedisClient, "ping">, { timeoutMs = 1_000 } = {}): Promise<RedisHealth> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)));
  try {
    await Promise.race([client.ping(), late]);
    return { status: "healthy", ms: performance.now() - startedAt, reason: undefined };
  } catch (error) {
    return { status: "unhealthy", ms: undefined, reason: redact(messageOf(error)) };
  } finally {
    clearTimeout(timer);
  }
}
