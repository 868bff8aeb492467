/** How urgent a caller is. Between two callers of different urgency the one with the earlier start wins, where a level down costs `ageingMs`. */
export type Priority = "high" | "normal" | "low";

const PENALTY_LEVELS: Record<Priority, number> = { high: 0, normal: 1, low: 2 };

const BY_URGENCY = ["high", "normal", "low"] as const;
const EVERYBODY = (): boolean => true;

/** What the queue needs to know of a waiter; the pool's own waiters have more. */
export interface Queued {
  readonly priority: Priority;
  /** When it began to wait, on the pool's clock, in milliseconds. */
  readonly since: number;
  /** The user key it waits for. */
  readonly user: string | undefined;
  /** Its place in the queue; undefined while it is in none. For the queue alone. */
  place: unknown;
}

interface Node<W> {
  readonly waiter: W;
  previous: Node<W> | undefined;
  next: Node<W> | undefined;
}

/** A FIFO from which any element can be taken in O(1). */
class Level<W> {
  head: Node<W> | undefined;
  tail: Node<W> | undefined;

  append(node: Node<W>): void {
    node.previous = this.tail;
    if (this.tail === undefined) this.head = node;
    else this.tail.next = node;
    this.tail = node;
  }

  unlink(node: Node<W>): void {
    if (node.previous === undefined) this.head = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.tail = node.previous;
    else node.next.previous = node.previous;
    // A node that was promoted to the old generation would keep all that came after it alive.
    node.previous = node.next = undefined;
  }
}

/**
 * The callers that wait, bounded. The order is by `since + level × ageingMs`: a fixed key, so that a low-priority caller becomes first
 * once it has waited `2 × ageingMs` longer than a high one, and nobody starves. Callers of equal priority keep their order.
 */
export class WaitQueue<W extends Queued> {
  private readonly levels: Record<Priority, Level<W>> = { high: new Level(), normal: new Level(), low: new Level() };
  private count = 0;

  /**
   * @param max most waiters at once
   * @param ageingMs what one level of priority is worth in waiting time
   */
  constructor(
    readonly max: number,
    readonly ageingMs: number,
  ) {}

  get size(): number {
    return this.count;
  }

  /**
   * Adds a waiter. With a full queue the newest waiter of the lowest priority below its own has to leave and is returned; where there is
   * none, the waiter itself is returned, not added.
   */
  add(waiter: W): W | undefined {
    let displaced: W | undefined;
    if (this.count >= this.max) {
      displaced = this.displaceableBy(waiter);
      if (displaced === undefined) return waiter;
      this.delete(displaced);
    }
    const node: Node<W> = { waiter, previous: undefined, next: undefined };
    waiter.place = node;
    this.count++;
    this.levels[waiter.priority].append(node);
    return displaced;
  }

  /** Removes a waiter; whether it was there. */
  delete(waiter: W): boolean {
    const node = waiter.place as Node<W> | undefined;
    if (node === undefined) return false;
    waiter.place = undefined;
    this.count--;
    this.levels[waiter.priority].unlink(node);
    return true;
  }

  /** The next waiter to serve among those that `eligible` admits; it stays in the queue. */
  first(eligible: (waiter: W) => boolean = EVERYBODY): W | undefined {
    let best: W | undefined;
    let bestKey = Infinity;
    for (const priority of BY_URGENCY) {
      let node = this.levels[priority].head;
      while (node !== undefined && !eligible(node.waiter)) node = node.next;
      if (node === undefined) continue;
      const key = node.waiter.since + PENALTY_LEVELS[priority] * this.ageingMs;
      if (key < bestKey) {
        best = node.waiter;
        bestKey = key;
      }
    }
    return best;
  }

  /** Every waiter, by priority and then by time. Deleting the one at hand is safe. */
  *[Symbol.iterator](): IterableIterator<W> {
    for (const priority of BY_URGENCY) {
      for (let node = this.levels[priority].head; node !== undefined; ) {
        const { next, waiter } = node;
        yield waiter;
        node = next;
      }
    }
  }

  private displaceableBy(waiter: W): W | undefined {
    for (const priority of ["low", "normal"] as const) {
      if (PENALTY_LEVELS[priority] <= PENALTY_LEVELS[waiter.priority]) return undefined;
      const last = this.levels[priority].tail;
      if (last !== undefined) return last.waiter;
    }
    return undefined;
  }
}
