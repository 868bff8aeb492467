/**
 * The production stack against the simulated Google Cloud of the tests, on the real engine: how long a preview, an `up` and one with nothing to do
 * take, and what it costs to load the program. The waiting for a real cloud is not in it. Run on a quiet machine: node -r tsx/cjs bench/gcp.ts [rounds]
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { GcpCheckout } from "../test/support/gcp-checkout";

const rounds = Number(process.argv[2] ?? 3);
/** Bars of the project, on two quiet cores. Units: seconds, megabytes. */
const BARS = { previewS: 6, noopS: 6, loadS: 2, loadMb: 250 };

/** Loads what a gcp stack's program loads, and says how long it took and how much memory it is. */
const LOAD = 'const t = performance.now(); require("./scripts/engine/later-packages"); require("./index"); require("./components/gcp").target.loadTier(); console.log(((performance.now() - t) / 1000).toFixed(2), Math.round(process.memoryUsage().rss / 1e6));';

async function measure(gcp: GcpCheckout, args: readonly string[], what: string): Promise<void> {
  const startedAt = performance.now();
  const { exitCode, stdout, stderr } = await gcp.bulkhead(args);
  if (exitCode !== 0) throw new Error(`bulkhead ${args.join(" ")} ended with ${exitCode}:\n${stderr}\n${stdout}`);
  console.log(`${what.padEnd(16)} ${((performance.now() - startedAt) / 1000).toFixed(2)} s`);
}

async function main(): Promise<void> {
  console.log(`bars: preview ${BARS.previewS} s, nothing to do ${BARS.noopS} s, loading ${BARS.loadS} s and ${BARS.loadMb} MB`);
  for (let round = 0; round < rounds; round++) console.log(`${"loading".padEnd(16)} ${spawnSync(process.execPath, ["-r", "tsx/cjs", "-e", LOAD], { cwd: join(__dirname, ".."), encoding: "utf8" }).stdout.trim().replace(" ", " s, ")} MB`);
  for (const transport of ["job", "direct"] as const) {
    console.log(`transport ${transport}`);
    const gcp = await GcpCheckout.create(transport === "job" ? {} : { settings: { "bulkhead:reach": { transport, probe: null } } });
    try {
      if (transport === "direct") gcp.configure({ "bulkhead:reach": { transport, probe: new URL(gcp.api.url).host } });
      for (let round = 0; round < rounds; round++) await measure(gcp, ["preview"], "preview, new");
      await measure(gcp, ["up"], "first up");
      for (let round = 0; round < rounds; round++) await measure(gcp, ["up"], "nothing to do");
      for (let round = 0; round < rounds; round++) await measure(gcp, ["preview"], "preview, same");
    } finally {
      await gcp.remove();
    }
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
