/**
 * The everyday commands from outside, as a person waits for them: wall clock and peak memory of the Node process.
 * Run on a quiet machine: node -r tsx/cjs bench/up.ts [rounds]
 * It works on a copy of the checkout with the packages and the Pulumi CLI that are there; the first line is a first `up` from nothing.
 */
import { Checkout } from "../test/support/checkout";

const rounds = Number(process.argv[2] ?? 3);
/** Bars of the project, on two quiet cores. Units: seconds, megabytes. */
const BARS = { first: 10, noop: 4, validate: 2, added: 4, memoryMb: 400 };

/** Prints its own peak on stderr when it ends; `maxRSS` is in KiB. */
const REPORT_PEAK = `data:text/javascript,${encodeURIComponent('process.on("exit", () => process.stderr.write("\\npeak " + process.resourceUsage().maxRSS + "\\n"))')}`;

async function measure(checkout: Checkout, label: string, args: readonly string[], barS: number): Promise<void> {
  const startedAt = performance.now();
  const { exitCode, stdout, stderr } = await checkout.bulkhead(args, { env: { NODE_OPTIONS: `--import=${REPORT_PEAK}` } });
  const seconds = (performance.now() - startedAt) / 1000;
  if (exitCode !== 0) throw new Error(`bulkhead ${args.join(" ")} ended with ${exitCode}:\n${stderr}\n${stdout}`);
  const peakMb = Math.max(...[...stderr.matchAll(/^peak (\d+)$/gm)].map(([, kib]) => Number(kib))) / 1024;
  console.log(`${label.padEnd(22)} bulkhead ${args.join(" ").padEnd(22)} ${seconds.toFixed(2)} s (bar ${barS} s)   peak ${peakMb.toFixed(0)} MB (bar ${BARS.memoryMb} MB)`);
}

async function main(): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    console.log(`round ${round} of ${rounds}`);
    const checkout = await Checkout.create();
    try {
      await measure(checkout, "first up", ["up"], BARS.first);
      await measure(checkout, "nothing to do", ["up"], BARS.noop);
      await measure(checkout, "validate", ["validate"], BARS.validate);
      checkout.write("services.ts", checkout.read("services.ts").replace("defineServices({", "defineServices({\n  added: { port: 4999 },"));
      checkout.write("schemas/added/001_initial_schema.sql", "CREATE TABLE note (id bigint PRIMARY KEY, text text NOT NULL);\n");
      checkout.write("schemas/added/001_initial_schema.rollback.sql", "DROP TABLE note;\n");
      await measure(checkout, "a service added", ["up"], BARS.added);
    } finally {
      checkout.remove();
    }
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
