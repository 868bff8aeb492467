import type { PoolOptions } from "../../../manager/src/pool";
import { DatabaseManager } from "../../../manager/src/sessions";
import { buildDatabaseUrl } from "../../../manager/src/url";
import { until } from "../../support/pool";
import { startPlainServer, startStreamingStandby } from "../../support/plain-server";
import type { PlainServer } from "../../support/plain-server";

export const APP = { user: "app", password: "a service of tests", database: "app" } as const;

/** A primary and a standby that streams from it, with a service's database and login. */
export interface ReplicatedPair {
  readonly primary: PlainServer;
  readonly standby: PlainServer;
  stop(): Promise<void>;
}

/** Starts both; about 3 s. */
export async function startReplicatedPair(): Promise<ReplicatedPair> {
  // A commit that is confirmed is on its way to the standby.
  const primary = await startPlainServer({ settings: ["synchronous_commit = on"] });
  await primary.run(`CREATE ROLE ${APP.user} LOGIN PASSWORD '${APP.password}'`, `CREATE DATABASE ${APP.database} OWNER ${APP.user}`);
  const standby = await startStreamingStandby(primary, ["wal_receiver_timeout = '1s'", "max_standby_streaming_delay = 0"]).catch(async (error: unknown) => {
    await primary.stop();
    throw error;
  });
  await streaming(primary);
  return {
    primary,
    standby,
    async stop() {
      await standby.stop();
      await primary.stop();
    },
  };
}

/** Waits until a standby streams from it. */
export function streaming(primary: PlainServer): Promise<void> {
  return until(async () => (await primary.run("SELECT FROM pg_stat_replication WHERE state = 'streaming'")).length === 1, "the standby streams", 20_000);
}

/** Waits until the standby has replayed all that the primary has written until now. */
export async function caughtUp({ primary, standby }: ReplicatedPair): Promise<void> {
  const [row] = await primary.run("SELECT pg_current_wal_lsn()::text AS lsn");
  await until(async () => (await standby.run(`SELECT pg_last_wal_replay_lsn() >= '${String(row?.["lsn"])}' AS done`))[0]?.["done"] === true, "the standby has caught up", 20_000);
}

/**
 * Starts a server whose postmaster got SIGKILL. Its backends learn of that by themselves, and on a busy machine take a while for it; as long as one of them has the shared memory, Postgres
 * refuses to start.
 */
export async function startAgain(server: PlainServer): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    try {
      return await server.start();
    } catch (error) {
      // Undoes what `start` has set up for the process that has ended.
      await server.kill("SIGKILL");
      if (performance.now() > end || !String(error).includes("pre-existing shared memory block")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The service's URL of a server. */
export function urlOf(port: number): string {
  return buildDatabaseUrl({ hosts: [{ host: "127.0.0.1", port }], ...APP });
}

/** As the service's login. */
export function loginOf({ host, port }: PlainServer): PoolOptions {
  return { host, port, ...APP };
}

/** A manager of a service that reads from a replica up to 1.5 s behind. */
export function managerOf(port: number, replicaPort?: number, pool: PoolOptions = {}): DatabaseManager {
  return new DatabaseManager({
    config: { url: urlOf(port), replicaUrl: replicaPort === undefined ? undefined : urlOf(replicaPort), replicaLagMaxMs: 1_500, pool: { max: 3, acquireTimeoutMs: 1_500, connectTimeoutMs: 1_000, queryTimeoutMs: 2_000, ...pool } },
  });
}
