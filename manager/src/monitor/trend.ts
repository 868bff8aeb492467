/** A straight line through a series, and how sure it is that the series rises or falls at all. */
export interface Trend {
  /** Change per step: the median of the slopes between all pairs (Theil and Sen), which a third of outliers do not move. */
  readonly slope: number;
  /** The 95 % interval of the slope (Sen's, from the variance of Kendall's S). */
  readonly slopeLow: number;
  readonly slopeHigh: number;
  /** The line's value at the last point. */
  readonly level: number;
  /** 0 to 1: one minus the chance that a series without a trend looks as much like one (Mann and Kendall, two-sided, widened where neighbours resemble each other). */
  readonly confidence: number;
}

/** z of a two-sided 95 % interval. */
const Z_95 = 1.96;
/** A series whose neighbours are more alike than this is not told apart from a random walk. */
const AUTOCORRELATION_MAX = 0.95;

/** The trend of a series of at least 3 and at most some hundred values at equal steps; the work is quadratic. */
export function trendOf(values: readonly number[]): Trend {
  const count = values.length;
  const slopes: number[] = [];
  let rises = 0;
  for (let late = 1; late < count; late++) {
    for (let early = 0; early < late; early++) {
      const change = (values[late] as number) - (values[early] as number);
      slopes.push(change / (late - early));
      rises += Math.sign(change);
    }
  }
  slopes.sort((a, b) => a - b);
  const slope = medianOfSorted(slopes);
  const intercept = median(values.map((value, step) => value - slope * step));
  const residuals = values.map((value, step) => value - intercept - slope * step);
  const alike = Math.min(AUTOCORRELATION_MAX, Math.max(0, autocorrelation(residuals)));
  const deviation = Math.sqrt(((count * (count - 1) * (2 * count + 5)) / 18) * ((1 + alike) / (1 - alike)));
  const z = Math.max(0, Math.abs(rises) - 1) / deviation;
  const reach = (Z_95 * deviation) / 2;
  const at = (index: number): number => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(index)))] ?? 0;
  return {
    slope,
    slopeLow: at(slopes.length / 2 - reach),
    slopeHigh: at(slopes.length / 2 + reach - 1),
    level: intercept + slope * (count - 1),
    confidence: 2 * normalBelow(z) - 1,
  };
}

export function median(values: readonly number[]): number {
  return medianOfSorted([...values].sort((a, b) => a - b));
}

function medianOfSorted(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Of neighbours. */
function autocorrelation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let product = 0;
  let square = 0;
  values.forEach((value, index) => {
    square += (value - mean) ** 2;
    if (index > 0) product += (value - mean) * ((values[index - 1] as number) - mean);
  });
  return square === 0 ? 0 : product / square;
}

/** The share of a normal distribution below `z` >= 0; off by less than 1e-7 (Abramowitz and Stegun, 26.2.17). */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}
