import type { Connection } from "./connection";
import { Outage } from "./outage";

/**
 * What the pool believes of the way to the server, from when it last heard of it on each connection and from what failed. Times are on the clock of `now()`.
 */
export class Trust {
  readonly outage = new Outage();
  /** The last failure to reach the server; undefined since a connection was opened. */
  lastError: Error | undefined;
  private suspectSince = -Infinity;
  private generationSince = -Infinity;

  /** @param validateAfterIdleMs silence on a connection that is not suspicious */
  constructor(private readonly validateAfterIdleMs: number) {}

  /** Whether a connection must answer before it is lent: it was silent for long, or was not heard of since something failed. */
  needsCheck({ heardAt, justChecked }: Connection, nowMs: number): boolean {
    return !justChecked && (nowMs - heardAt > this.validateAfterIdleMs || heardAt < this.suspectSince);
  }

  /** Whether a connection was not heard of since one of its generation did not answer: it is replaced without being asked. */
  isOfLostGeneration({ heardAt }: Connection): boolean {
    return heardAt < this.generationSince;
  }

  /** A connection broke: the others are asked before they are lent. */
  suspect(nowMs: number): void {
    this.suspectSince = nowMs;
  }

  /** A connection did not answer since `sinceMs`. */
  endGeneration(sinceMs: number): void {
    this.generationSince = Math.max(this.generationSince, sinceMs);
  }

  /** The server cannot be reached. Whether that is news. */
  failed(error: Error, nowMs: number): boolean {
    this.lastError = error;
    this.suspect(nowMs);
    return this.outage.failed(nowMs);
  }

  /** The last news of the server was bad, and nothing was heard since. */
  isDoubtful(lastHeardAt: number): boolean {
    return this.suspectSince !== -Infinity && lastHeardAt <= this.suspectSince;
  }
}
