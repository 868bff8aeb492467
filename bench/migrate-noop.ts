/**
 * How long `migrate` takes when 100 migrations are applied and there is nothing to do, on one connection that is open already.
 * Run: node -r tsx/cjs bench/migrate-noop.ts [rounds]
 */
import { migrate } from "../manager/src/migrate";
import { Folders, createCompartment, withClient } from "../test/integration/migrate/compartment";
import { startTestServer } from "../test/support/server";

const MIGRATIONS = 100;
const WARM_UP_ROUNDS = 5;
const rounds = Number(process.argv[2] ?? 200);

async function main(): Promise<void> {
  const server = await startTestServer({ name: "bench" });
  const folders = new Folders();
  try {
    const { owner, migrator } = await createCompartment(server, "bench");
    const files = Object.fromEntries(
      Array.from({ length: MIGRATIONS }, (_, index) => [`${String(index + 1).padStart(3, "0")}_step.sql`, `CREATE TABLE t${index} (id uuid PRIMARY KEY, note text NOT NULL);\nCREATE INDEX ON t${index} (note);\n`]),
    );
    const directory = await folders.make(files);
    await withClient(migrator(), async (client) => {
      const run = (): ReturnType<typeof migrate> => migrate({ client, service: "bench", owner, directory });
      const first = await run();
      console.log(`applying ${first.applied.length} migrations: ${first.ms.toFixed(0)} ms`);
      for (let round = 0; round < WARM_UP_ROUNDS; round++) await run();
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) times.push((await run()).ms);
      times.sort((a, b) => a - b);
      const at = (share: number): string => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(2);
      console.log(`nothing to do, ${rounds} rounds: median ${at(0.5)} ms, p10 ${at(0.1)} ms, p90 ${at(0.9)} ms, slowest ${at(1)} ms`);
    });
  } finally {
    folders.remove();
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
