import { readFileSync } from "node:fs";

import type { CloudPackage } from "./cloud-package";
import { SimulatedProvider } from "./provider";
import { serve } from "./server";

/** How often the provider looks whether its engine still is. */
const WATCH_INTERVAL_MS = 1_000;

/** Runs a provider process: the engine reads the port from the first line of its output. */
export async function main(cloudPackage: CloudPackage): Promise<void> {
  const dir = process.env["SIMULATED_CLOUD_DIR"];
  if (dir === undefined || dir === "") throw new Error("SIMULATED_CLOUD_DIR names no folder for the simulated cloud's state");
  const provider = new SimulatedProvider(cloudPackage, dir, process.env["SIMULATED_CLOUD_BEHAVIOURS"]);
  const { version } = JSON.parse(readFileSync(require.resolve(`${cloudPackage.npmPackage}/package.json`), "utf8")) as { version: string };
  endWithEngine();
  process.stdout.write(`${await serve(provider, version)}\n`);
}

/** An engine that is killed cannot end its providers, and tests kill engines. */
function endWithEngine(): void {
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) process.exit();
  }, WATCH_INTERVAL_MS).unref();
}
