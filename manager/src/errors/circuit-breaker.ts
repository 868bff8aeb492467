import { newSource } from "./breaker-bus";
import type { BreakerBus, BreakerEvent } from "./breaker-bus";
import { BulkheadError } from "./bulkhead-error";
import type { ClassifiedError } from "./classified-error";
import { classifyError } from "./classify";
import { systemClock } from "./clock";
import type { Clock } from "./clock";

export type BreakerState = "closed" | "open" | "half-open";

export interface CircuitBreakerOptions {
  /** What it protects, the same in every service that shares the bus, e.g. `db.internal:5432`. */
  readonly name: string;
  /** Opens at this many failures among the last 20 calls, if they are at least half of them; default 5. */
  readonly failuresToOpen?: number;
  /** How long it stays open the first time; doubles with each failed probe; default 100 ms. */
  readonly openMinMs?: number;
  /** How long at most; default 5,000 ms. */
  readonly openMaxMs?: number;
  /** A probe that has not ended by then no longer keeps others from probing; default 5,000 ms. */
  readonly probeMaxMs?: number;
  /** Shares what is found out with the breakers of the same name. */
  readonly bus?: BreakerBus;
  /** Which errors speak against the server. Default: those of the connection, and too many connections; never those of a single statement. */
  readonly isFailure?: (error: ClassifiedError) => boolean;
  readonly onStateChange?: (change: { readonly from: BreakerState; readonly to: BreakerState; readonly reason: string }) => void;
  readonly clock?: Clock;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: () => number;
}

/** Thrown instead of calling, while the breaker is open. */
export class BreakerOpenError extends BulkheadError {
  /** When the next probe is due; 0 where one is under way. */
  readonly retryAfterMs: number;

  constructor(name: string, reason: string, retryAfterMs: number) {
    super("BREAKER_OPEN", `${name} is not called: it failed before (${reason}).`, { hint: `try again in ${Math.ceil(retryAfterMs)} ms, and look at the server` });
    this.retryAfterMs = retryAfterMs;
  }
}

/** How many calls are remembered. */
const WINDOW = 20;

/**
 * Stops calling a server that fails, and finds out with single probes when it is back. Closed: calls pass, their outcomes are counted. Open: calls fail at once with
 * `BreakerOpenError`. Half-open, when the pause is over: the next call is the probe, the others still fail; its success closes, its failure opens for twice as
 * long (with jitter). It needs no timer of its own, so it works where the CPU sleeps between requests.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #clock: Clock;
  readonly #source = newSource();
  readonly #unsubscribe: () => void;
  readonly #failed: boolean[] = [];
  #state: BreakerState = "closed";
  #reason = "";
  #openUntilMs = 0;
  #openings = 0;
  #probe: { readonly startedAtMs: number } | undefined;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#unsubscribe = options.bus?.subscribe((event) => this.#hear(event)) ?? (() => undefined);
  }

  get name(): string {
    return this.#options.name;
  }

  /** `half-open` from the moment at which a probe is allowed. */
  get state(): BreakerState {
    return this.#state === "open" && this.#clock.nowMs() >= this.#openUntilMs ? "half-open" : this.#state;
  }

  /** Runs `call` unless the breaker is open. Throws `BreakerOpenError`, or what `call` throws. */
  async execute<T>(call: () => Promise<T> | T): Promise<T> {
    const probe = this.#enter();
    try {
      const value = await call();
      this.#succeeded(probe);
      return value;
    } catch (error) {
      this.#threw(probe, classifyError(error));
      throw error;
    }
  }

  /** Stops listening to the bus. */
  close(): void {
    this.#unsubscribe();
  }

  #enter(): { readonly startedAtMs: number } | undefined {
    const nowMs = this.#clock.nowMs();
    const state = this.state;
    if (state === "closed") return undefined;
    if (state === "open") throw new BreakerOpenError(this.name, this.#reason, this.#openUntilMs - nowMs);
    if (this.#probe !== undefined && nowMs - this.#probe.startedAtMs < (this.#options.probeMaxMs ?? 5_000)) throw new BreakerOpenError(this.name, this.#reason, 0);
    this.#change("half-open", this.#reason);
    this.#probe = { startedAtMs: nowMs };
    return this.#probe;
  }

  #succeeded(probe: object | undefined): void {
    if (probe === undefined) {
      this.#remember(false);
      return;
    }
    // A probe that was given up on brings good news as well.
    if (this.#state !== "closed") this.#shut("probe succeeded", true);
  }

  #threw(probe: object | undefined, error: ClassifiedError): void {
    const failure = (this.#options.isFailure ?? speaksAgainstServer)(error);
    if (probe !== undefined) {
      if (failure) {
        // One that was given up on says nothing new.
        if (probe === this.#probe) this.#open(error.kind, this.#nextOpenMs(), true);
      } else if (error.class === "cancelled" || error.class === "unknown") {
        // It ended before the server was asked, perhaps: the next call probes.
        if (probe === this.#probe) this.#probe = undefined;
      } else if (this.#state !== "closed") {
        // Any answer of the server, also an error, is a sign of life.
        this.#shut("server answered", true);
      }
      return;
    }
    this.#remember(failure);
    if (this.#state !== "closed") return;
    const failures = this.#failed.filter(Boolean).length;
    if (failures >= (this.#options.failuresToOpen ?? 5) && failures * 2 >= this.#failed.length) this.#open(error.kind, this.#nextOpenMs(), true);
  }

  #remember(failed: boolean): void {
    this.#failed.push(failed);
    if (this.#failed.length > WINDOW) this.#failed.shift();
  }

  /** Half of it fixed and half random, so that many services do not probe at the same moment. */
  #nextOpenMs(): number {
    const { openMinMs = 100, openMaxMs = 5_000, random = Math.random } = this.#options;
    const wholeMs = Math.min(openMaxMs, openMinMs * 2 ** Math.min(this.#openings, 30));
    return wholeMs / 2 + (random() * wholeMs) / 2;
  }

  #open(reason: string, openMs: number, tell: boolean): void {
    this.#openings += 1;
    this.#probe = undefined;
    this.#reason = reason;
    this.#openUntilMs = this.#clock.nowMs() + openMs;
    this.#change("open", reason);
    if (tell) this.#tell({ breaker: this.name, state: "open", openMs, reason, source: this.#source });
  }

  #shut(reason: string, tell: boolean): void {
    this.#openings = 0;
    this.#probe = undefined;
    this.#failed.length = 0;
    this.#change("closed", reason);
    if (tell) this.#tell({ breaker: this.name, state: "closed", openMs: 0, reason, source: this.#source });
  }

  #change(to: BreakerState, reason: string): void {
    const from = this.#state;
    this.#state = to;
    if (from !== to) this.#options.onStateChange?.({ from, to, reason });
  }

  /** Another breaker's news: its failure opens this one too; its success makes this one probe at once rather than believe. */
  #hear(event: BreakerEvent): void {
    if (event.breaker !== this.name || event.source === this.#source) return;
    if (event.state === "open" && this.#state === "closed") {
      this.#open(event.reason, Math.min(event.openMs, this.#options.openMaxMs ?? 5_000), false);
    } else if (event.state === "closed" && this.#state === "open") {
      this.#openUntilMs = this.#clock.nowMs();
    }
  }

  #tell(event: BreakerEvent): void {
    try {
      void Promise.resolve(this.#options.bus?.publish(event)).catch(() => undefined);
    } catch {
      // A bus that fails costs only the sharing.
    }
  }
}

const CONNECTION_LIMITS = new Set(["server-connection-limit", "role-connection-limit", "database-connection-limit", "pooler-queue-timeout"]);
/** A read-only server and a client's misused protocol say nothing about whether the server lives. */
const NOT_THE_SERVER = new Set(["read-only-server", "protocol-violation"]);
const SERVER_SILENT = new Set(["connect-timeout", "pool-exhausted-or-down", "query-deadline"]);

function speaksAgainstServer({ class: errorClass, kind }: ClassifiedError): boolean {
  if (errorClass === "connection") return !NOT_THE_SERVER.has(kind);
  return CONNECTION_LIMITS.has(kind) || SERVER_SILENT.has(kind);
}
