/** What one service may use, so that none starves the others. */
export interface ClickHouseLimits {
  /** Memory of all of a user's queries together. */
  readonly maxMemoryBytesForUser: number;
  /** For one query. Seconds. */
  readonly maxQuerySeconds: number;
  readonly maxConcurrentQueries: number;
  readonly quota: {
    /** Seconds that the quota's figures are counted over. */
    readonly durationSeconds: number;
    readonly queries: number;
    readonly errors: number;
    /** Rows that all queries read together. */
    readonly readRows: number;
    /** Seconds of all queries together. */
    readonly executionSeconds: number;
  };
}

const QUOTA = { durationSeconds: 3600, queries: 36_000, errors: 3_600, readRows: 10_000_000_000, executionSeconds: 7_200 } as const;

/** On a machine for ClickHouse alone: 4 GiB, half of the default machine. */
export const CLOUD_LIMITS: ClickHouseLimits = { maxMemoryBytesForUser: 4 * 1024 ** 3, maxQuerySeconds: 600, maxConcurrentQueries: 50, quota: QUOTA };

/** On a developer's machine, beside everything else: 512 MiB. */
export const DEVELOPER_LIMITS: ClickHouseLimits = { ...CLOUD_LIMITS, maxMemoryBytesForUser: 512 * 1024 ** 2 };

/** The settings of the profile that hold the limits. */
export function profileSettings({ maxMemoryBytesForUser, maxQuerySeconds, maxConcurrentQueries }: ClickHouseLimits): Readonly<Record<string, string>> {
  return { max_memory_usage_for_user: String(maxMemoryBytesForUser), max_execution_time: String(maxQuerySeconds), max_concurrent_queries_for_user: String(maxConcurrentQueries) };
}
