/**
 * How long a test database takes: clone of the migrated template with its login, the first connection to it, its end; beside the bare CREATE DATABASE from
 * template0, which has a quarter more files, and beside a database that is migrated each time.
 *
 * The data are kept in memory (/dev/shm) where that is there, as is sensible with durability off; "disk" as second argument puts them where temporary files are.
 * On ext4 without a journal the disk's figures grow with the rounds: docs/manager/test-databases.md says why.
 *
 *   node -r ./bench/register.cjs bench/test-database.ts [rounds] [disk]
 */
import { accessSync, chmodSync, constants, mkdtempSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { migrate } from "../manager/src/migrate";
import { createPool } from "../manager/src/pool";
import { TestDatabases } from "../manager/src/testing";
import { testDatabaseServer } from "../test/integration/testing/support";
import { createCompartment } from "../test/integration/migrate/compartment";
import { startTestServer } from "../test/support/server";
import { median } from "./ratio";

const SERVICE = { name: "auth", directory: resolve(__dirname, "../schemas/auth") };
const MIGRATED_ROUNDS = 5;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function show(what: string, times: number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
  console.log(`${what.padEnd(42)} median ${median(times).toFixed(1)} ms, p10 ${at(0.1)}, p90 ${at(0.9)}, slowest ${at(1)} (${times.length} rounds)`);
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 60);
  const memory = process.argv[3] === "disk" ? undefined : memoryFolder();
  if (memory !== undefined) process.env["TMPDIR"] = memory;
  console.log(`data ${memory === undefined ? "on disk" : "in memory"}`);
  const server = await startTestServer({ name: "bench", maxConnections: 100 });
  const databases = new TestDatabases(testDatabaseServer(server));
  const admin = await testDatabaseServer(server).openSession("postgres");
  try {
    const first = await timed(() => databases.create(SERVICE));
    console.log(`the first, with the template's migrations: ${first.toFixed(0)} ms`);
    const cloned: number[] = [];
    const used: number[] = [];
    const dropped: number[] = [];
    const bare: number[] = [];
    const migrated: number[] = [];
    for (let round = 0; round < rounds; round++) {
      let database: Awaited<ReturnType<TestDatabases["create"]>> | undefined;
      cloned.push(await timed(async () => (database = await databases.create(SERVICE))));
      const pool = createPool({ ...database?.pool, max: 1 });
      used.push(await timed(() => pool.query("SELECT count(*) FROM users")));
      await pool.close();
      dropped.push(await timed(async () => database?.drop()));
      // In between, so that all see the same machine.
      bare.push(await timed(() => admin.query("CREATE DATABASE bare TEMPLATE template0 STRATEGY file_copy")));
      await admin.query("DROP DATABASE bare");
      if (round % Math.ceil(rounds / MIGRATED_ROUNDS) === 0) {
        const { owner, migrator } = await createCompartment(server, `peer_${round}`);
        migrated.push(await timed(() => migrate({ client: migrator(), service: `peer_${round}`, owner, directory: SERVICE.directory })));
      }
    }
    show("clone and login", cloned);
    show("first connection and query", used);
    show("drop", dropped);
    show("beside: CREATE DATABASE from template0", bare);
    console.log(`${"clone and login, less that".padEnd(42)} ${median(cloned.map((ms, round) => ms - (bare[round] ?? NaN))).toFixed(1)} ms`);
    show("instead: migrating an empty database", migrated);
  } finally {
    await admin.end();
    await databases.close();
    await server.stop();
    if (memory !== undefined) rmSync(memory, { recursive: true, force: true });
  }
}

function memoryFolder(): string | undefined {
  try {
    accessSync("/dev/shm", constants.W_OK);
    const folder = mkdtempSync("/dev/shm/bulkhead-bench-");
    // As root, Postgres runs as another user, who has to get in.
    chmodSync(folder, 0o755);
    return folder;
  } catch {
    return undefined;
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
