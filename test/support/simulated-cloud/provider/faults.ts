import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Operation } from "./cloud";

/** Something that goes wrong in the cloud, once. */
export interface Fault {
  readonly on: Operation["operation"];
  /** Type token. Default: any. */
  readonly type?: string;
  /** The program's name of the resource. Default: any. */
  readonly name?: string;
  /** At the how many-th such operation of a provider process; from 1. Default: 1. */
  readonly nth?: number;
  /** `fail`: the cloud refuses. `crash`: the provider dies before anything is done; `crash-after`: after it was done, before it is answered. `wait`: it takes until it is released. */
  readonly effect: "fail" | "crash" | "crash-after" | "wait";
  /** Default: an internal error of the cloud. */
  readonly message?: string;
}

/** Longest that a waiting operation waits to be released. */
const WAIT_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** Until the last answers have left the process. */
const ANSWERED_MS = 200;

/** Writes a fault into the cloud's folder. @returns the file, beside which `.reached` says that a `wait` waits, and `.released` ends it */
export function placeFault(dir: string, fault: Fault): string {
  const folder = join(dir, "faults");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${String(readdirSync(folder).length).padStart(3, "0")}.json`);
  writeFileSync(file, JSON.stringify(fault));
  return file;
}

/** Meets the faults that lie in the cloud's folder. */
export class Faults {
  private readonly seen = new Map<string, number>();
  private active = 0;
  private dying = false;

  constructor(private readonly dir: string) {}

  /** Runs an operation that changes the cloud. Of a provider that is about to die none begins any more: the engine would not hear of it, and the cloud would have it. */
  async during<T>(operation: () => Promise<T>): Promise<T> {
    if (this.dying) return new Promise(() => {});
    this.active++;
    try {
      return await operation();
    } finally {
      this.active--;
    }
  }

  /**
   * Call it before an operation.
   *
   * @returns what to call when the operation is done and not answered yet
   * @throws Error where it is to fail
   */
  async meet({ operation, type, name }: Omit<Operation, "id">): Promise<() => Promise<void>> {
    let afterwards = async (): Promise<void> => {};
    for (const file of this.files()) {
      const fault = JSON.parse(readFileSync(file, "utf8")) as Fault;
      if (fault.on !== operation || (fault.type ?? type) !== type || (fault.name ?? name) !== name) continue;
      const count = (this.seen.get(file) ?? 0) + 1;
      this.seen.set(file, count);
      if (count !== (fault.nth ?? 1)) continue;
      // Taken away before it happens, or a crash would happen for ever.
      rmSync(file);
      writeFileSync(`${file}.met`, "");
      if (fault.effect === "fail") throw new Error(fault.message ?? "googleapi: Error 500: Internal error. Please try again, backendError");
      if (fault.effect === "crash") await this.die();
      else if (fault.effect === "crash-after") afterwards = () => this.die();
      else await released(file);
    }
    return afterwards;
  }

  /** Once all other operations that were under way are answered. */
  private async die(): Promise<void> {
    this.dying = true;
    const deadline = performance.now() + WAIT_TIMEOUT_MS;
    while (this.active > 1 && performance.now() < deadline) await sleep(POLL_MS);
    await sleep(ANSWERED_MS);
    process.kill(process.pid, "SIGKILL");
  }

  private files(): string[] {
    const folder = join(this.dir, "faults");
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")).sort().map((name) => join(folder, name)) : [];
  }
}

async function released(file: string): Promise<void> {
  writeFileSync(`${file}.reached`, "");
  const deadline = performance.now() + WAIT_TIMEOUT_MS;
  while (!existsSync(`${file}.released`)) {
    if (performance.now() > deadline) throw new Error(`nobody released what waits in ${file}`);
    await sleep(POLL_MS);
  }
}
