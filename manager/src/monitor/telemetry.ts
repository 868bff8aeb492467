import type { ErrorKind } from "./error-kinds";
import type { StatementRow } from "./statements";

/** Somebody else who wants every single measurement, such as OpenTelemetry. Durations in milliseconds. */
export interface Telemetry {
  waited(waitMs: number): void;
  timedOut(): void;
  held(holdMs: number): void;
  connected(connectMs: number): void;
  queried(durationMs: number, row: StatementRow, error: ErrorKind | undefined): void;
}
