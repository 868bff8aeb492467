/** Paired measurements of two contestants: what matters is the ratio, so both run in turns in one process. */
export interface PairedResult {
  /** Median of ours, in the unit measured. */
  readonly ours: number;
  /** Median of the peer's. */
  readonly peer: number;
  /** Median of the rounds' ratios (ours / peer). */
  readonly ratio: number;
  /** 95 % interval of that median, by bootstrap. */
  readonly interval: readonly [number, number];
}

/** Runs both `rounds` times, the order changing with each round, and compares what they return. One round of each goes before, unmeasured. */
export async function paired(rounds: number, ours: () => Promise<number>, peer: () => Promise<number>): Promise<PairedResult> {
  const oursValues: number[] = [];
  const peerValues: number[] = [];
  await ours();
  await peer();
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      oursValues.push(await ours());
      peerValues.push(await peer());
    } else {
      peerValues.push(await peer());
      oursValues.push(await ours());
    }
  }
  const ratios = oursValues.map((value, round) => value / (peerValues[round] ?? NaN));
  return { ours: median(oursValues), peer: median(peerValues), ratio: median(ratios), interval: bootstrapInterval(ratios) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function bootstrapInterval(values: readonly number[], resamples = 2000): readonly [number, number] {
  const medians = Array.from({ length: resamples }, () => median(values.map(() => values[Math.floor(Math.random() * values.length)] ?? NaN))).sort((a, b) => a - b);
  return [medians[Math.floor(resamples * 0.025)] ?? NaN, medians[Math.floor(resamples * 0.975)] ?? NaN];
}
