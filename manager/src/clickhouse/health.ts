import { BulkheadError } from "../errors/bulkhead-error";
import type { ClassifiedError } from "../errors/classified-error";
import { classifyError } from "../errors/classify";
import { systemClock } from "../errors/clock";
import { within } from "../errors/within";
import type { ClickHouseClientLike } from "./client";

/** What a look at a server found. */
export interface ClickHouseHealth {
  readonly healthy: boolean;
  /** How long the answer took. Unit: milliseconds. */
  readonly latencyMs: number;
  /** Why not; undefined where it is healthy. */
  readonly error: ClassifiedError | undefined;
}

const TIMEOUT_MS = 5_000;

/** Runs an empty query with the client's own login, which a server answers that works; a mere ping is answered without one. Bounded by `timeoutMs`, default 5,000; never rejects. */
export async function clickHouseHealth(client: ClickHouseClientLike, { timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<ClickHouseHealth> {
  const startedAt = performance.now();
  const latencyMs = (): number => performance.now() - startedAt;
  try {
    const result = await within(systemClock, timeoutMs, (signal) => client.ping({ select: true, abort_signal: signal }), () => new BulkheadError("CLICKHOUSE_HEALTH_TIMEOUT", `ClickHouse gave no answer within ${timeoutMs} ms`));
    return { healthy: result.success, latencyMs: latencyMs(), error: result.success ? undefined : classifyError(result.error) };
  } catch (error) {
    return { healthy: false, latencyMs: latencyMs(), error: classifyError(error) };
  }
}
