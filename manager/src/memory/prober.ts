import { BulkheadError } from "../errors";
import type { Clock } from "../errors";
import { within } from "../errors/within";

export interface ProberOptions {
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
  /** Called after a successful probe; when it rejects, probing goes on. */
  readonly onBack: () => Promise<void>;
  readonly probeMinMs?: number;
  readonly probeMaxMs?: number;
  readonly probeTimeoutMs?: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

/** Looks for something that is away: one probe at a time, each bounded, with pauses that double and have jitter, until it is back. */
export class Prober {
  readonly #options: ProberOptions;
  #running = false;
  #busy = false;
  #failures = 0;
  #dueAtMs = 0;
  #cancelTimer = (): void => undefined;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Starts looking; nothing where it does already. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#failures = 0;
    this.#plan();
  }

  stop(): void {
    this.#running = false;
    this.#cancelTimer();
  }

  /** Probes now if the pause is over and its timer has not fired. */
  poke(): void {
    if (this.#running && !this.#busy && this.#options.clock.nowMs() >= this.#dueAtMs) this.#fire();
  }

  #plan(): void {
    const { probeMinMs = 500, probeMaxMs = 30_000, clock, random = Math.random } = this.#options;
    const wholeMs = Math.min(probeMaxMs, probeMinMs * 2 ** Math.min(this.#failures, 30));
    const delayMs = wholeMs / 2 + (random() * wholeMs) / 2;
    this.#dueAtMs = clock.nowMs() + delayMs;
    this.#cancelTimer = clock.schedule(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#cancelTimer();
    if (!this.#running || this.#busy) return;
    this.#busy = true;
    void this.#attempt().finally(() => {
      this.#busy = false;
      if (this.#running) this.#plan();
    });
  }

  async #attempt(): Promise<void> {
    try {
      await this.#probe();
      if (!this.#running) return;
      await this.#options.onBack();
      this.#running = false;
    } catch {
      this.#failures += 1;
    }
  }

  async #probe(): Promise<void> {
    const { probe, probeTimeoutMs = 5_000, clock } = this.#options;
    await within(clock, probeTimeoutMs, probe, () => new BulkheadError("PROBE_TIMEOUT", `the primary gave no answer within ${probeTimeoutMs} ms`));
  }
}
