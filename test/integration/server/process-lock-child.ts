import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withProcessLock } from "../../../components/local/process-lock";

/** Enters the lock of a folder `rounds` times; a folder made inside shows whether anybody else is, and a counter whether anything was lost. */
async function main(): Promise<void> {
  const [directory = "", rounds = "0", mode = "count"] = process.argv.slice(2);
  for (let round = 0; round < Number(rounds); round++) {
    await withProcessLock(join(directory, "lock"), { waitMs: 60_000, label: "counting" }, async () => {
      if (mode === "hold") {
        process.stdout.write("held\n");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      }
      mkdirSync(join(directory, "inside"));
      const counter = join(directory, "counter");
      writeFileSync(counter, String(Number(readFileSync(counter, "utf8")) + 1));
      await new Promise(setImmediate);
      rmdirSync(join(directory, "inside"));
    });
  }
}

void main();
