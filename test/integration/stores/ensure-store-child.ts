import { writeSync } from "node:fs";

import { CLICKHOUSE_SERVER } from "../../../components/local/stores/clickhouse-server";
import { ensureStore } from "../../../components/local/stores/ensure-store";
import type { EnsureStoreOptions } from "../../../components/local/stores/ensure-store";
import { REDIS_SERVER } from "../../../components/local/stores/redis-server";

/** Runs `ensureStore` with the options of its first argument and prints what came of it, as JSON. */
async function main(): Promise<void> {
  const { kind, ...options } = JSON.parse(process.argv[2] ?? "") as Omit<EnsureStoreOptions, "progress" | "signal"> & { kind: string };
  writeSync(1, JSON.stringify(await ensureStore(kind === "redis" ? REDIS_SERVER : CLICKHOUSE_SERVER, { ...options, progress: () => undefined })));
}

void main();
