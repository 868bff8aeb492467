/** While armed, each acquire is remembered; it stays armed this long after a leak, in milliseconds. */
const ARMED_MS = 10 * 60_000;
/** Unarmed, one acquire of this many is remembered. */
const SAMPLE_EVERY = 256;

/**
 * Remembers where connections are acquired. A stack costs about 4 µs, four times an acquire, so it is taken for each acquire only after
 * a first leak was seen, and for a sample before that.
 */
export class LeakDetector {
  private armedUntil = -Infinity;
  private count = 0;

  constructor(private readonly always: boolean) {}

  /** The place of this acquire, if it is to be remembered. */
  site(nowMs: number): Error | undefined {
    if (!this.always && nowMs >= this.armedUntil && ++this.count % SAMPLE_EVERY !== 0) return undefined;
    return new Error("connection acquired here");
  }

  /** A leak was seen: listen closely from now on. */
  arm(nowMs: number): void {
    this.armedUntil = nowMs + ARMED_MS;
  }
}

/** A remembered place as text, without the pool's own frames. */
export function stackOf(site: Error | undefined): string | undefined {
  return site?.stack?.split("\n").filter((line) => !line.includes(__dirname) && !line.includes("new Promise (")).join("\n");
}
