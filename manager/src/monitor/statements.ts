import { setImmediate as nextTurn } from "node:timers/promises";
import { DurationHistogram } from "./duration-histogram";
import { fingerprintShape } from "./fingerprint";
import { shapeKey, shapeOf } from "./query-shape";
import { loadSqlParser } from "./sql-parser";
import { TextCache } from "./text-cache";

/** Statements of one fingerprint, since the monitor began. Durations in milliseconds. */
export interface StatementStats {
  /** As `fingerprintQuery` says; `other` for all that found no room in the table. */
  readonly fingerprint: string;
  /** What it looks like, without constants and comments; at most 500 characters. */
  readonly text: string;
  /** Operation and tables, e.g. `SELECT users`. */
  readonly summary: string;
  readonly count: number;
  readonly errors: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
  /** Off by at most 3.2 %. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** What is counted of one shape. */
export class StatementRow {
  readonly durations = new DurationHistogram();
  errors = 0;
  lastSeenMs = 0;
  fingerprint: string | undefined;

  constructor(
    readonly key: string,
    readonly text: string,
    readonly summary: string,
    readonly operation: string,
    public parsable: string | undefined,
  ) {}
}

/** A row that was not asked for this long makes room for another when the table is full, in milliseconds. */
const STALE_MS = 60 * 60_000;
/** After how many fingerprints the event loop gets a turn. */
const BATCH = 25;

/**
 * Counts statements by their shape, in a table of at most `rowsMax` rows. What finds no room is counted in one row more, `other`. The parser is asked only when somebody reads:
 * rows of equal fingerprints are merged then.
 */
export class StatementTable {
  readonly other = new StatementRow("other", "", "", "", undefined);
  readonly #rows = new Map<string, StatementRow>();
  /** Which row a text is of: the common case is one look-up. */
  readonly #byText: TextCache<StatementRow>;

  constructor(readonly rowsMax: number) {
    this.other.fingerprint = "other";
    this.#byText = new TextCache(4 * rowsMax, 2_048 * rowsMax);
  }

  row(text: string): StatementRow {
    let row = this.#byText.get(text);
    if (row === undefined) {
      row = this.#find(text);
      this.#byText.set(text, row);
    }
    return row;
  }

  /** Where the table is full, moves rows that nobody used for an hour into `other`. Called now and then. */
  makeRoom(nowMs: number): void {
    if (this.#rows.size < this.rowsMax) return;
    for (const row of this.#rows.values()) {
      if (nowMs - row.lastSeenMs < STALE_MS) continue;
      this.#rows.delete(row.key);
      this.other.durations.add(row.durations);
      this.other.errors += row.errors;
    }
    // Texts of the rows that went, and of those that had found no room.
    if (this.#rows.size < this.rowsMax) this.#byText.clear();
  }

  /** All fingerprints, the one that took most time first. The first call may load the parser. */
  async read(withParser: boolean): Promise<StatementStats[]> {
    if (withParser) await loadSqlParser();
    let parsed = 0;
    for (const row of this.#rows.values()) {
      if (row.fingerprint !== undefined) continue;
      row.fingerprint = withParser ? fingerprintShape(row) : row.key;
      row.parsable = undefined;
      if (withParser && ++parsed % BATCH === 0) await nextTurn();
    }
    const merged = new Map<string, StatementRow[]>();
    for (const row of [...this.#rows.values(), ...(this.other.durations.count === 0 ? [] : [this.other])]) {
      const fingerprint = row.fingerprint ?? row.key;
      merged.set(fingerprint, [...(merged.get(fingerprint) ?? []), row]);
    }
    return Array.from(merged, ([fingerprint, rows]) => statsOf(fingerprint, rows)).sort((a, b) => b.totalMs - a.totalMs);
  }

  #find(text: string): StatementRow {
    const key = shapeKey(text);
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#rows.size >= this.rowsMax) return this.other;
      const shape = shapeOf(text);
      row = new StatementRow(key, shape.text, shape.summary, shape.operation, shape.parsable);
      this.#rows.set(key, row);
    }
    return row;
  }
}

function statsOf(fingerprint: string, rows: readonly StatementRow[]): StatementStats {
  const durations = new DurationHistogram();
  for (const row of rows) durations.add(row.durations);
  return {
    fingerprint,
    text: rows[0]?.text ?? "",
    summary: rows[0]?.summary ?? "",
    count: durations.count,
    errors: rows.reduce((sum, row) => sum + row.errors, 0),
    totalMs: durations.sumMs,
    meanMs: durations.meanMs,
    maxMs: durations.maxMs,
    p50Ms: durations.quantile(0.5),
    p95Ms: durations.quantile(0.95),
    p99Ms: durations.quantile(0.99),
  };
}
