import { readFileSync } from "node:fs";

/** Linux counts CPU time in ticks of 1/100 s (USER_HZ, proc(5)). */
const TICK_MS = 10;

/**
 * CPU time of a Postgres server so far: its main process and every backend that has ended. Undefined where there is no /proc.
 * Unit: milliseconds.
 */
export function serverCpuMs(postmasterPid: number): number | undefined {
  try {
    // The name in brackets may hold spaces: fields are counted from behind it. utime, stime, cutime and cstime are fields 14 to 17.
    const fields = readFileSync(`/proc/${postmasterPid}/stat`, "latin1").replace(/^.*\) /s, "").split(" ");
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
  } catch {
    return undefined;
  }
}
