import { BulkheadError } from "../errors/bulkhead-error";
import { sizeOf } from "./memory-state";
import type { Rows, TableName } from "./rows";

/** One write that happened in memory and that the primary does not know of. What follows from it (cascades) and what has expired since has no entry of its own. */
export type JournalEntry = { [Name in TableName]: EntryOf<Name> }[TableName];

interface EntryOf<Name extends TableName> {
  /** 1 for the first; without gaps, in the order of the commits. */
  readonly sequence: number;
  /** Equal for the writes of one transaction. */
  readonly transaction: number;
  readonly at: Date;
  readonly table: Name;
  readonly operation: "create" | "update" | "delete";
  readonly id: string;
  /** The row afterwards; undefined for a delete. */
  readonly row: Rows[Name] | undefined;
  /** The columns that an update was asked to change. */
  readonly columns: readonly string[];
}

/** A write before it has its place in the journal. */
export type PendingEntry = Omit<JournalEntry, "sequence" | "transaction">;

/** What was written to memory and is not yet merged into the primary, in order. Bounded by its owner, who asks for `length` and `sizeBytes` before each write. */
export class Journal {
  readonly #entries = new Map<number, JournalEntry>();
  #sequence = 0;
  #transaction = 0;
  #sizeBytes = 0;

  /** Entries that wait for their acknowledgement. */
  get length(): number {
    return this.#entries.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Entries that were ever written; `written - length` were acknowledged. */
  get written(): number {
    return this.#sequence;
  }

  /** The writes of one transaction, as one. */
  append(writes: readonly PendingEntry[]): void {
    if (writes.length === 0) return;
    this.#transaction += 1;
    for (const write of writes) {
      this.#sequence += 1;
      this.#entries.set(this.#sequence, Object.freeze({ ...write, sequence: this.#sequence, transaction: this.#transaction }) as JournalEntry);
      this.#sizeBytes += entrySizeBytes(write);
    }
  }

  /** The oldest entry that is not acknowledged; a copy. */
  next(): JournalEntry | undefined {
    const [first] = this.#entries.values();
    return first === undefined ? undefined : structuredClone(first);
  }

  /** Entries that are not acknowledged, the oldest first, at most `limit`. */
  peek(limit: number): JournalEntry[] {
    return [...this.#entries.values()].slice(0, limit).map((entry) => structuredClone(entry));
  }

  /** Says that the primary has the oldest entry. @throws BulkheadError `JOURNAL_ORDER` for any other */
  acknowledge(sequence: number): void {
    const [first] = this.#entries.values();
    if (first?.sequence !== sequence) {
      throw new BulkheadError("JOURNAL_ORDER", `entry ${sequence} of the journal cannot be acknowledged: ${first === undefined ? "there is none" : `the oldest is ${first.sequence}`}`, { hint: "merge and acknowledge one entry after the other, as next() gives them" });
    }
    this.#entries.delete(sequence);
    this.#sizeBytes -= entrySizeBytes(first);
  }
}

/** Estimated. */
export function entrySizeBytes({ row, columns }: PendingEntry): number {
  return 150 + columns.length * 24 + (row === undefined ? 0 : sizeOf(row as unknown as Readonly<Record<string, unknown>>));
}
