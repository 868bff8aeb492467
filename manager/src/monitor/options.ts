import type { Clock } from "../errors/clock";
import type { HealthThresholds } from "./health";

export interface ConnectionMonitorOptions {
  /** The pool's name in metrics and reports (`db.client.connection.pool.name`). Two pools of one process need two names. Default: the name of the watched pool, or `default`. */
  readonly name?: string;
  /** From how many milliseconds on a query is slow. Default 1,000 (`SLOW_QUERY_THRESHOLD_MS`). */
  readonly slowQueryMs?: number;
  /** Slow queries that are kept, the latest. Default 100. */
  readonly slowQueriesKept?: number;
  /** Different statements that are told apart; what is more is counted as `other`. Default 500, about 2 KB each. */
  readonly statementsMax?: number;
  /**
   * Whether `getStatements` may load Postgres' own parser for the fingerprints (35 to 120 MB for the process, on the first call). Default true; with false they come from the
   * tokenizer.
   */
  readonly sqlParser?: boolean;
  /** The connections that all instances of the service may open together (its role's CONNECTION LIMIT), and how many instances share them: for `forecast()`. */
  readonly budget?: { readonly connections: number; readonly instances: number };
  /** When something is a warning or critical; what is left out has its default. */
  readonly thresholds?: Partial<HealthThresholds>;
  /** What the metrics say of the database besides the pool's name. */
  readonly database?: { readonly namespace?: string; readonly host?: string; readonly port?: number };
  /** Told of leaks, and once if the monitor fails and switches itself off. Holds no statement. Default: nobody. */
  readonly log?: (line: string) => void;
  /** Default: Node's. */
  readonly clock?: Pick<Clock, "nowMs">;
}
