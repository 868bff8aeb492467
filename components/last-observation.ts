import type { ObserveReport } from "../manager/src/setup/request";

/**
 * What the program saw of the tier, for the command that ran the program inside its own process: where the engine then changed nothing, looking
 * again would show the same, and with the job transport it costs a cold start.
 */
let last: ObserveReport | undefined;

export function keepObservation(report: ObserveReport): void {
  last = report;
}

export function lastObservation(): ObserveReport | undefined {
  return last;
}
