import { randomUUID } from "node:crypto";

/** What one breaker tells the others of the same name. */
export interface BreakerEvent {
  /** Which database it is about, the same in every service, e.g. `db.internal:5432`. */
  readonly breaker: string;
  readonly state: "open" | "closed";
  /** For how long it stays open; 0 where closed. */
  readonly openMs: number;
  /** Why, in the words of `classifyError` (`kind`). */
  readonly reason: string;
  /** Which breaker says so, to know one's own events again. */
  readonly source: string;
}

/** Carries events between breakers. A bus that fails costs nothing but the sharing. */
export interface BreakerBus {
  publish(event: BreakerEvent): void | Promise<void>;
  /** Calls `listener` for every event, also for one's own; returns how to stop. */
  subscribe(listener: (event: BreakerEvent) => void): () => void;
}

/** A bus for the services of one process. */
export class InProcessBreakerBus implements BreakerBus {
  readonly #listeners = new Set<(event: BreakerEvent) => void>();

  publish(event: BreakerEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  subscribe(listener: (event: BreakerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** What the Redis bus needs of a connection that publishes; ioredis' and node-redis' clients have it. */
export interface RedisPublisher {
  publish(channel: string, message: string): Promise<unknown>;
}

/**
 * What it needs of a connection that subscribes, which Redis then allows nothing else. ioredis' and node-redis' clients have it: ioredis gives messages to the
 * `message` event, node-redis to the listener of `subscribe`.
 */
export interface RedisSubscriber {
  subscribe(channel: string, listener: (message: unknown, channel: unknown) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  off(event: string, listener: (...values: unknown[]) => void): unknown;
}

export interface RedisBreakerBusOptions {
  readonly publisher: RedisPublisher;
  /** A connection of its own. */
  readonly subscriber: RedisSubscriber;
  /** Default `bulkhead:breakers`. */
  readonly channel?: string;
  /** Told when Redis fails; the breakers work on without it. */
  readonly onError?: (error: unknown) => void;
}

/** Longer messages than any breaker sends are not read. */
const MESSAGE_CHARS_MAX = 2_000;

/** A bus for services anywhere, over Redis' publish and subscribe. The connections are the caller's: made, reconnected and closed there. */
export class RedisBreakerBus implements BreakerBus {
  readonly #options: RedisBreakerBusOptions;
  readonly #channel: string;
  readonly #local = new InProcessBreakerBus();

  constructor(options: RedisBreakerBusOptions) {
    this.#options = options;
    this.#channel = options.channel ?? "bulkhead:breakers";
    options.subscriber.on("message", this.#onMessage);
    // ioredis takes the listener for a callback and calls it once with (error, count), which is no message.
    void this.#guard(() => options.subscriber.subscribe(this.#channel, (message, channel) => this.#receive(channel, message)));
  }

  async publish(event: BreakerEvent): Promise<void> {
    await this.#guard(() => this.#options.publisher.publish(this.#channel, JSON.stringify(event)));
  }

  subscribe(listener: (event: BreakerEvent) => void): () => void {
    return this.#local.subscribe(listener);
  }

  /** Stops listening; the connections stay open. */
  async close(): Promise<void> {
    this.#options.subscriber.off("message", this.#onMessage);
    await this.#guard(() => this.#options.subscriber.unsubscribe(this.#channel));
  }

  readonly #onMessage = (channel: unknown, message: unknown): void => this.#receive(channel, message);

  #receive(channel: unknown, message: unknown): void {
    if (channel !== this.#channel || typeof message !== "string" || message.length > MESSAGE_CHARS_MAX) return;
    const event = readEvent(message);
    if (event !== undefined) this.#local.publish(event);
  }

  async #guard(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#options.onError?.(error);
    }
  }
}

/** The event in a message from outside; undefined where it is none. */
function readEvent(message: string): BreakerEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { breaker, state, openMs, reason, source } = value as Record<string, unknown>;
  if (typeof breaker !== "string" || typeof reason !== "string" || typeof source !== "string") return undefined;
  if ((state !== "open" && state !== "closed") || typeof openMs !== "number" || !(openMs >= 0)) return undefined;
  return { breaker, state, openMs, reason, source };
}

/** A name for the source of events. */
export function newSource(): string {
  return randomUUID();
}
