import { MINUTES_KEPT } from "./activity";
import type { DemandTrend, ForecastScore } from "./forecast";

/** How far ahead the forecasts look that are judged, in minutes. */
export const JUDGED_AHEAD_MINUTES = 15;
/** A share of `max` that a forecast may be off, and at least one connection. */
const TOLERANCE = 0.1;

/** Notes what was forecast and compares it with what came: for 24 hours, in 23 KB. Minutes are counted by the caller, from any moment on. */
export class ForecastLog {
  readonly #forecast = new Float32Array(MINUTES_KEPT).fill(NaN);
  readonly #noChange = new Float32Array(MINUTES_KEPT);
  /** By how much forecasts were off; NaN where there was none. */
  readonly #errors = new Float32Array(MINUTES_KEPT).fill(NaN);
  readonly #noChangeErrors = new Float32Array(MINUTES_KEPT);
  #latest = -1;

  /** `minute` has ended with `demand`; `trend` is what was then known. A minute that was left out counts as one without a forecast. */
  note(minute: number, demand: number, trend: DemandTrend | undefined): void {
    for (let missed = Math.max(this.#latest + 1, minute - MINUTES_KEPT + 1); missed < minute; missed++) this.#errors[missed % MINUTES_KEPT] = NaN;
    this.#latest = minute;
    const slot = minute % MINUTES_KEPT;
    this.#errors[slot] = Math.abs((this.#forecast[slot] as number) - demand);
    this.#noChangeErrors[slot] = Math.abs((this.#noChange[slot] as number) - demand);
    this.#forecast[slot] = NaN;
    const ahead = (minute + JUDGED_AHEAD_MINUTES) % MINUTES_KEPT;
    this.#forecast[ahead] = trend === undefined ? NaN : Math.max(0, trend.demand + trend.perMinute * JUDGED_AHEAD_MINUTES);
    this.#noChange[ahead] = trend?.demand ?? NaN;
  }

  score(max: number): ForecastScore {
    const tolerance = Math.max(1, TOLERANCE * max);
    let judged = 0;
    let held = 0;
    let sum = 0;
    let noChangeSum = 0;
    this.#errors.forEach((error, slot) => {
      if (Number.isNaN(error)) return;
      judged++;
      sum += error;
      noChangeSum += this.#noChangeErrors[slot] as number;
      if (error <= tolerance) held++;
    });
    const share = (total: number): number => (judged === 0 ? 0 : total / judged);
    return { judged, meanError: share(sum), meanErrorOfNoChange: share(noChangeSum), held: share(held) };
  }
}
