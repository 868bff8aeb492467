import { randomBytes } from "node:crypto";

import { messageOf } from "../../errors/bulkhead-error";
import { redact } from "../../errors/redact";
import type { StoreEndpoint, StoreSecret } from "../../stores/store-secret";
import type { Evidence } from "../../validate/report";
import type { StoreRule } from "../../validate/rules";
import type { ClickHouseDialect } from "../dialect";
import { ClickHouseException, clickHouseRequest } from "../request";
import type { ClickHouseAnswer, ClickHouseRequest } from "../request";

/** A service that is let in, as the checks use it. */
export interface ServiceSession {
  readonly service: string;
  readonly secret: StoreSecret;
  /** The server's. */
  readonly version: string;
  readonly dialect: ClickHouseDialect;
  /** A query with the service's own login, in its own database where none is named. */
  readonly query: (sql: string, more?: Pick<ClickHouseRequest, "database" | "settings">) => Promise<ClickHouseAnswer>;
}

/** What was found out by one check. */
export type Finding = Pick<Evidence, "status" | "detail" | "heal">;

export function failed(detail: string): Finding {
  return { status: "failed", detail, heal: "npx bulkhead up" };
}

export function querier(endpoint: StoreEndpoint, secret: StoreSecret, signal: AbortSignal | undefined): ServiceSession["query"] {
  return (sql, { database = secret.scope, settings = {} } = {}) => clickHouseRequest(endpoint, { sql, login: secret, database, settings, signal });
}

/** How something ended that should have been refused: `refused` with one of the exceptions that it may be refused with, `allowed`, or in a way that proves nothing. */
export interface Refusal {
  readonly outcome: "refused" | "allowed" | "unclear";
  /** ClickHouse's number, where it threw. */
  readonly exceptionCode: number | undefined;
  /** For the report. */
  readonly detail: string;
}

export async function expectRefusal(run: () => Promise<unknown>, exceptionCodes: readonly number[]): Promise<Refusal> {
  try {
    await run();
    return { outcome: "allowed", exceptionCode: undefined, detail: "was allowed" };
  } catch (error) {
    const exceptionCode = error instanceof ClickHouseException ? error.exceptionCode : undefined;
    if (exceptionCode !== undefined && exceptionCodes.includes(exceptionCode)) return { outcome: "refused", exceptionCode, detail: `refused with ${exceptionCode}` };
    return { outcome: "unclear", exceptionCode, detail: `ended with ${redact(messageOf(error))}, which says nothing: it should have been refused with ${exceptionCodes.join(" or ")}` };
  }
}

/** Runs a check; one that breaks off has failed. */
export async function evidenceOf(rule: StoreRule, service: string, check: () => Promise<Finding>): Promise<Evidence> {
  const startedAt = performance.now();
  const finding = await check().catch((error: unknown): Finding => failed(`could not be tried: ${redact(messageOf(error))}`));
  return { rule, service, ...finding, ms: performance.now() - startedAt };
}

/** ACCESS_DENIED, and DATABASE_ACCESS_DENIED of servers without grants. */
export const DENIED = [497, 291] as const;

const PROBE = "bulkhead_probe_";

/** Name of something made to try something, which says since when it is there. */
export function probeName(): string {
  return `${PROBE}${Math.floor(Date.now() / 1000)}_${randomBytes(6).toString("hex")}`;
}

/** Whether it was left behind by a run that ended before it could clean up. */
export function isStaleProbe(name: string): boolean {
  const since = new RegExp(`^${PROBE}(\\d+)_[0-9a-f]{12}$`).exec(name)?.[1];
  return since !== undefined && Number(since) < Date.now() / 1000 - 3600;
}
