/** Remembers tokens that were used. Several instances of a service need one in common, or a token is good once for each of them. */
export interface ReplayStore {
  /** True where the token is new, and remembers it until `untilMs`; false where it was seen; "full" where it cannot remember it. One step, also for callers at the same time. */
  remember(caller: string, tokenId: string, untilMs: number): "new" | "seen" | "full" | Promise<"new" | "seen" | "full">;
}

/**
 * In this process. Bounded per caller, so that one that floods shuts out only itself; what has not run out is never forgotten, since a flood would then make room for a replay.
 */
export class ReplayCache implements ReplayStore {
  readonly #perCallerMax: number;
  readonly #now: () => number;
  readonly #seen = new Map<string, Map<string, number>>();

  /** `perCallerMax`: default 50,000, which is 500 requests a second over a token's life and the clocks' difference. */
  constructor({ perCallerMax = 50_000, now = Date.now }: { readonly perCallerMax?: number; readonly now?: () => number } = {}) {
    this.#perCallerMax = perCallerMax;
    this.#now = now;
  }

  /** Tokens remembered. */
  get size(): number {
    return [...this.#seen.values()].reduce((sum, tokens) => sum + tokens.size, 0);
  }

  remember(caller: string, tokenId: string, untilMs: number): "new" | "seen" | "full" {
    const tokens = this.#seen.get(caller) ?? new Map<string, number>();
    this.#seen.set(caller, tokens);
    const until = tokens.get(tokenId);
    const nowMs = this.#now();
    if (until !== undefined && until > nowMs) return "seen";
    this.#forgetOldest(tokens, nowMs);
    if (tokens.size >= this.#perCallerMax) {
      for (const [id, endsMs] of tokens) if (endsMs <= nowMs) tokens.delete(id);
      if (tokens.size >= this.#perCallerMax) return "full";
    }
    tokens.delete(tokenId);
    tokens.set(tokenId, untilMs);
    return "new";
  }

  /** Tokens come roughly in the order in which they run out: looking at the first few keeps the map small. */
  #forgetOldest(tokens: Map<string, number>, nowMs: number): void {
    let looks = 4;
    for (const [id, untilMs] of tokens) {
      if (untilMs > nowMs || looks-- === 0) return;
      tokens.delete(id);
    }
  }
}
