import { AsyncLocalStorage } from "node:async_hooks";
import { systemClock } from "../errors/clock";
import type { Clock } from "../errors/clock";
import { within } from "../errors/within";
import { Journal } from "./journal";
import { MemoryDatabaseError } from "./memory-error";
import { MemoryState, TABLE_NAMES } from "./memory-state";
import { tablesOf } from "./memory-table";
import type { MemoryTables, TableSession } from "./memory-table";
import type { TableName } from "./rows";
import { WriteLog, applyWrite } from "./write";
import type { WriteCommand, WriteResult } from "./write";

export interface InMemoryDatabaseOptions {
  /** Rows of all tables together. Default 10,000, floor 1. */
  readonly rowsMax?: number;
  /** Rows and journal together, estimated rather too high. Default 33,554,432 (32 MiB), floor 1. */
  readonly bytesMax?: number;
  /** Entries of the journal that wait for their merge; 0: no journal is kept. Default 0. */
  readonly journalMax?: number;
  /** Writers and transactions that wait for the transaction under way. Default 1,000. */
  readonly waitingMax?: number;
  /** A transaction that takes longer is rolled back. Default 30,000. Milliseconds. */
  readonly transactionTimeoutMs?: number;
  /** Milliseconds since 1970, for timestamps and expiry. Default `Date.now`. */
  readonly now?: () => number;
  /** For the transactions' deadline. */
  readonly clock?: Clock;
}

export interface MemoryStats {
  readonly rows: Readonly<Record<TableName, number>>;
  readonly rowsTotal: number;
  readonly rowsMax: number;
  /** Rows and journal, estimated. */
  readonly sizeBytes: number;
  readonly bytesMax: number;
  /** Writes that wait for their merge. */
  readonly journalLength: number;
  readonly journalMax: number;
  /** Since the start. */
  readonly reads: number;
  readonly writes: number;
  /** Tokens and OTPs that were removed because their time was over. */
  readonly expired: number;
  /** Writes that were refused because something was full. */
  readonly refused: number;
  readonly rollbacks: number;
}

/** What a health page says while memory stands in for a database. */
export interface MemoryHealth {
  readonly status: "degraded";
  readonly reason: string;
  readonly stats: MemoryStats;
}

/**
 * apihub's tables in memory, with the constraints of its schema. Single statements and transactions are atomic and isolated: a reader sees what is committed, writers go one after the
 * other. Tokens and OTPs whose time is over are not found any more, and make room. When it is full, a write is refused with SQLSTATE 53400; nothing is ever dropped to make room.
 */
export class InMemoryDatabase implements MemoryTables {
  declare readonly users: MemoryTables["users"];
  declare readonly apis: MemoryTables["apis"];
  declare readonly tokens: MemoryTables["tokens"];
  declare readonly otps: MemoryTables["otps"];
  /** What was written and is not merged into the primary; stays empty where `journalMax` is 0. */
  readonly journal = new Journal();

  readonly #options: Required<InMemoryDatabaseOptions>;
  readonly #insideTransaction = new AsyncLocalStorage<true>();
  readonly #counts = { reads: 0, writes: 0, expired: 0, refused: 0, rollbacks: 0 };
  #state = new MemoryState();
  /** Ends when the writers before have ended. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: InMemoryDatabaseOptions = {}) {
    this.#options = { rowsMax: 10_000, bytesMax: 32 * 1024 * 1024, journalMax: 0, waitingMax: 1_000, transactionTimeoutMs: 30_000, now: Date.now, clock: systemClock, ...options };
    Object.assign(this, tablesOf(this.#session(() => this.#state, (command) => this.#exclusively(async () => this.#alone(command)))));
  }

  /**
   * Runs `work` on a copy of the data, which takes the data's place when `work` succeeds and is forgotten when it throws. `work` uses the tables that it is given, not this object's
   * own. Its cost grows with the number of rows, not of writes.
   *
   * @throws MemoryDatabaseError 25P04 past `transactionTimeoutMs`, 25001 from within another transaction, 53400 where too many wait; and what `work` throws
   */
  async transaction<T>(work: (tables: MemoryTables) => Promise<T> | T): Promise<T> {
    return this.#exclusively(async () => {
      this.#expire(this.#state);
      const copy = new MemoryState(this.#state);
      const writes = new WriteLog();
      let over = false;
      const open = (): MemoryState => {
        if (over) throw new MemoryDatabaseError("25000", "the transaction is over", { hint: "await everything that uses its tables inside the function" });
        return copy;
      };
      const tables = tablesOf(this.#session(open, async (command) => this.#apply(open(), writes, command)));
      try {
        const { clock, transactionTimeoutMs } = this.#options;
        const tooLong = () => new MemoryDatabaseError("25P04", `the transaction took longer than ${transactionTimeoutMs} ms and was rolled back`, { hint: "do slow work before or after it" });
        const result = await within(clock, transactionTimeoutMs, () => this.#insideTransaction.run(true, async () => work(tables)), tooLong);
        this.#adopt(copy, writes);
        return result;
      } catch (error) {
        this.#counts.rollbacks += 1;
        throw error;
      } finally {
        over = true;
      }
    });
  }

  /** Puts rows in that the primary is known to have (from a cache, say), without a journal entry. Rows that refer to others come after them. */
  async seed(table: TableName, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    await this.#exclusively(async () => {
      const copy = new MemoryState(this.#state);
      for (const row of rows) this.#apply(copy, undefined, { operation: "create", table, values: row });
      this.#state = copy;
    });
  }

  /** Forgets all rows; the journal stays. For the return to the primary, which has them. */
  async clear(): Promise<void> {
    await this.#exclusively(async () => void (this.#state = new MemoryState()));
  }

  /** Removes tokens and OTPs whose time is over; answers with how many. It happens before each write by itself. */
  async removeExpired(): Promise<number> {
    return this.#exclusively(async () => this.#expire(this.#state));
  }

  stats(): MemoryStats {
    const { rowsMax, bytesMax, journalMax } = this.#options;
    const rows = Object.fromEntries(TABLE_NAMES.map((table) => [table, this.#state.count(table)])) as Record<TableName, number>;
    return { rows, rowsTotal: this.#state.rowCount, rowsMax, sizeBytes: this.#state.sizeBytes + this.journal.sizeBytes, bytesMax, journalLength: this.journal.length, journalMax, ...this.#counts };
  }

  /** Always `degraded`: what is in memory does not outlive the process. */
  health(): MemoryHealth {
    const stats = this.stats();
    return { status: "degraded", reason: `data are kept in memory: ${stats.rowsTotal} rows${stats.journalMax === 0 ? "" : `, ${stats.journalLength} writes to be merged`}`, stats };
  }

  #session(state: () => MemoryState, write: TableSession["write"]): TableSession {
    return {
      look: (read) => {
        this.#counts.reads += 1;
        return read(state(), this.#options.now());
      },
      write,
    };
  }

  /** One statement outside of a transaction. What it throws leaves the state as it was, since every method of the state is all or nothing. */
  #alone(command: WriteCommand): WriteResult {
    const writes = new WriteLog();
    const result = this.#apply(this.#state, writes, command);
    this.journal.append(writes.entries);
    return result;
  }

  #adopt(copy: MemoryState, writes: WriteLog): void {
    this.#state = copy;
    this.journal.append(writes.entries);
  }

  /** Carries out one write. Without a log it is not for the journal. */
  #apply(state: MemoryState, log: WriteLog | undefined, command: WriteCommand): WriteResult {
    this.#expire(state);
    const { rowsMax, bytesMax, journalMax, now } = this.#options;
    try {
      const limits = { rowsMax, bytesMax: bytesMax - this.journal.sizeBytes, journalMax: journalMax - this.journal.length };
      const result = applyWrite(state, command, now(), limits, journalMax > 0 ? log : undefined);
      this.#counts.writes += 1;
      return result;
    } catch (error) {
      if (error instanceof MemoryDatabaseError && error.code === "53400") this.#counts.refused += 1;
      throw error;
    }
  }

  #expire(state: MemoryState): number {
    const removed = state.removeExpired(this.#options.now());
    this.#counts.expired += removed;
    return removed;
  }

  /** Runs writers one after the other. */
  async #exclusively<T>(run: () => Promise<T>): Promise<T> {
    if (this.#insideTransaction.getStore() === true) throw new MemoryDatabaseError("25001", "the database was used from within its own transaction, which would wait for itself", { hint: "use the tables that the transaction's function is given" });
    if (this.#waiting >= this.#options.waitingMax) {
      this.#counts.refused += 1;
      throw new MemoryDatabaseError("53400", `${this.#waiting} writers wait for the database in memory already`, { hint: "make transactions shorter, or raise waitingMax" });
    }
    this.#waiting += 1;
    const mine = this.#last.then(run);
    this.#last = mine.then(() => undefined, () => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }
}
