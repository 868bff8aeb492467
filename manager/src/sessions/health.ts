import { messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import type { PoolStats } from "../pool";
import { toError } from "../pool/errors";
import type { SessionCounts } from "./counters";
import type { ReplicaStatus } from "./replica";
import type { Databases } from "./run-session";
import type { Epoch } from "./server-identity";
import type { ManagerState } from "./states";

/** For the question to the primary, waiting for a connection included, in milliseconds. */
const PROBE_TIMEOUT_MS = 1_000;

/** How a manager is. */
export interface ManagerHealth {
  /** "unhealthy": the primary does not answer. "degraded": it does, and something else is wrong. */
  readonly status: "healthy" | "degraded" | "unhealthy";
  /** What is wrong, a sentence each, without secrets. */
  readonly reasons: readonly string[];
  readonly state: ManagerState;
  /** How long the primary took to answer, in milliseconds; undefined where it did not. */
  readonly primaryMs: number | undefined;
  readonly primary: PoolStats | undefined;
  /** The server that is written to. */
  readonly server: Epoch | undefined;
  readonly replica: ReplicaStatus | undefined;
  readonly activeSessions: number;
  /** The failed session that was last. */
  readonly lastFailure: { readonly atMs: number; readonly operation: string; readonly message: string } | undefined;
}

/** Asks the primary whether it is there, and gathers what is known. Never rejects. */
export async function checkHealth(state: ManagerState, databases: Databases | undefined, counts: SessionCounts, lastFailure: ManagerHealth["lastFailure"]): Promise<ManagerHealth> {
  const serving = databases !== undefined && state !== "closing" && state !== "closed";
  const probe = serving ? await probePrimary(databases) : { error: `the manager is ${state}` };
  const reasons: string[] = [];
  if (probe.error !== undefined) reasons.push(`the primary does not answer: ${probe.error}`);
  else if (state !== "ready") reasons.push(`the manager is ${state}, and the pools from before serve on`);
  const primary = databases?.primary.stats();
  if (primary !== undefined && primary.effectiveMax < primary.max) reasons.push(`the server had no room: ${primary.effectiveMax} of ${primary.max} connections are used at most`);
  if (databases?.replica !== undefined) await databases.replica.usable();
  const replica = databases?.replica?.status();
  if (replica !== undefined && !replica.usable) reasons.push(`the replica is not used: ${replica.reason ?? "unknown"}`);
  return {
    status: probe.error !== undefined ? "unhealthy" : reasons.length > 0 ? "degraded" : "healthy",
    reasons,
    state,
    primaryMs: probe.ms,
    primary,
    server: databases?.guard.epoch,
    replica,
    activeSessions: counts.active,
    lastFailure,
  };
}

async function probePrimary({ primary }: Databases): Promise<{ ms?: number; error?: string }> {
  const startedAt = performance.now();
  try {
    const client = await primary.acquire({ timeoutMs: PROBE_TIMEOUT_MS, priority: "high" });
    try {
      await client.query({ text: "SELECT 1", query_timeout: PROBE_TIMEOUT_MS } as { text: string });
      client.release();
    } catch (error) {
      client.release(toError(error));
      throw error;
    }
    return { ms: performance.now() - startedAt };
  } catch (error) {
    return { error: redact(messageOf(error)).slice(0, 300) };
  }
}
