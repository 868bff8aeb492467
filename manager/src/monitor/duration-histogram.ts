/**
 * Buckets are log-linear: below 16 µs one microsecond wide, above that 16 to each doubling. A duration is off by half a bucket at most, 1/32 = 3.2 % of itself.
 */
const SUB_BITS = 4;
const SUB = 1 << SUB_BITS;
/** Durations of 2^26 µs (67 s) and longer share the last bucket; a quantile that falls there is the longest one. */
const MAX_US = 2 ** 26;
/** 16 single microseconds, 16 buckets for each of the doublings from 2^4 to 2^25, and the last one. */
const BUCKETS = SUB * 23 + 1;

/** The largest relative error of `quantile` for durations from 16 µs to 67 s. */
export const QUANTILE_ERROR = 1 / (2 * SUB);

/** How durations are spread, in a fixed 1.5 KB. Recording is a few integer operations. All durations are milliseconds. */
export class DurationHistogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  count = 0;
  sumMs = 0;
  maxMs = 0;

  /** A negative duration (a clock that was set back) counts as 0. */
  record(ms: number): void {
    this.count++;
    this.sumMs += ms;
    if (ms > this.maxMs) this.maxMs = ms;
    const index = bucketOf(ms);
    this.#buckets[index] = (this.#buckets[index] as number) + 1;
  }

  get meanMs(): number {
    return this.count === 0 ? 0 : this.sumMs / this.count;
  }

  /** The duration that a share `q` (0 to 1) of all do not exceed; 0 where none was recorded. Never more than `maxMs`. */
  quantile(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#buckets[index] as number;
      if (seen >= rank) return index === BUCKETS - 1 ? this.maxMs : Math.min(middleMs(index), this.maxMs);
    }
    return this.maxMs;
  }

  /** How many were at most `ms`, as exact as the buckets are. Grows with `ms`. */
  countAtMost(ms: number): number {
    const last = bucketOf(ms);
    let seen = 0;
    for (let index = 0; index <= last; index++) seen += this.#buckets[index] as number;
    return seen;
  }

  /** Adds what `other` counted. */
  add(other: DurationHistogram): void {
    for (let index = 0; index < BUCKETS; index++) this.#buckets[index] = (this.#buckets[index] as number) + (other.#buckets[index] as number);
    this.count += other.count;
    this.sumMs += other.sumMs;
    this.maxMs = Math.max(this.maxMs, other.maxMs);
  }

  clear(): void {
    this.#buckets.fill(0);
    this.count = 0;
    this.sumMs = 0;
    this.maxMs = 0;
  }
}

function bucketOf(ms: number): number {
  if (ms >= MAX_US / 1000) return BUCKETS - 1;
  const us = (ms * 1000) | 0;
  if (us < SUB) return us > 0 ? us : 0;
  const exponent = 31 - Math.clz32(us);
  return (exponent - SUB_BITS + 1) * SUB + ((us >>> (exponent - SUB_BITS)) & (SUB - 1));
}

function middleMs(index: number): number {
  if (index < SUB) return (index + 0.5) / 1000;
  const shift = (index >>> SUB_BITS) - 1;
  return ((SUB + (index & (SUB - 1)) + 0.5) * 2 ** shift) / 1000;
}
