export { createPool, Pool } from "./pool";
export type { EndOptions } from "./pool";
export type { AcquireOptions } from "./borrow";
export type { ClientConstructor, Pooler, PoolOptions } from "./options";
export type { ConnectionTarget, Credentials, CredentialsFunction, PasswordFunction, PasswordRequest } from "./credentials";
export { PoolError } from "./errors";
export type { PoolCounts, PoolErrorCode } from "./errors";
export type { LeakReport, PoolObserver, PoolStats, RemoveReason } from "./observer";
export type { Priority } from "./queue";
