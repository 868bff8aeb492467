/** Longer texts are not kept: those who send them pay for reading them again. */
const TEXT_CHARS_MAX = 2_000;

/**
 * A cache by text that holds at most `entriesMax` entries and `bytesMax` bytes of keys, and drops what was not asked for longest. Recency is kept by two halves:
 * what is asked for moves into the young one; when that is full it becomes the old one, and the old one goes. So a hit costs one look-up, and no list is kept.
 */
export class TextCache<T> {
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  #youngBytes = 0;

  constructor(
    readonly entriesMax: number,
    readonly bytesMax: number,
  ) {}

  get(text: string): T | undefined {
    const value = this.#young.get(text);
    if (value !== undefined) return value;
    const older = this.#old.get(text);
    if (older !== undefined) {
      this.#old.delete(text);
      this.#put(text, older);
    }
    return older;
  }

  set(text: string, value: T): void {
    // A copy of its own: a slice would keep the text alive that it was cut from.
    if (text.length <= TEXT_CHARS_MAX) this.#put(Buffer.from(text).toString(), value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #put(text: string, value: T): void {
    // Two bytes a character at the most, and about 64 for the entry.
    const bytes = 2 * text.length + 64;
    if (this.#young.size >= this.entriesMax / 2 || this.#youngBytes + bytes > this.bytesMax / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(text, value);
    this.#youngBytes += bytes;
  }
}
