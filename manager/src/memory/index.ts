export { FallbackStore } from "./fallback-store";
export type { FallbackHealth, FallbackOperation, FallbackState, FallbackStoreOptions } from "./fallback-store";
export { InMemoryDatabase } from "./in-memory-database";
export type { InMemoryDatabaseOptions, MemoryHealth, MemoryStats } from "./in-memory-database";
export type { Journal, JournalEntry } from "./journal";
export { MemoryDatabaseError } from "./memory-error";
export type { FindOptions, MemoryTable, MemoryTables } from "./memory-table";
export type { ApiRow, ApiStatus, NewRows, OtpPurpose, OtpRow, RowChanges, Rows, TableName, TokenRow, UserRow } from "./rows";
