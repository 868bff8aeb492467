/** The latest `limit` things; an older one makes room. */
export class RecentList<T> {
  readonly #items: T[] = [];
  #next = 0;

  constructor(readonly limit: number) {}

  push(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.limit;
  }

  /** The latest first. */
  toArray(): T[] {
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)].reverse();
  }
}
