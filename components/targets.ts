import { BulkheadError } from "../manager/src/errors/bulkhead-error";
import type { Target } from "./tier";

/**
 * The targets, each loaded only when a stack names it: a local stack loads no cloud SDK. To add one, add a folder and a line.
 * `require`, since what tsx runs as CommonJS cannot `import()` TypeScript.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- as said above */
const TARGETS: Readonly<Record<string, () => { target: Target }>> = {
  local: () => require("./local") as typeof import("./local"),
  docker: () => require("./docker") as typeof import("./docker"),
  gcp: () => require("./gcp") as typeof import("./gcp"),
};
/* eslint-enable @typescript-eslint/no-require-imports */

/** @throws BulkheadError `TARGET_UNKNOWN` */
export function loadTarget(name: string): Target {
  const load = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined;
  if (load === undefined) {
    throw new BulkheadError("TARGET_UNKNOWN", `this version of Bulkhead has no target ${JSON.stringify(name)}; it has: ${Object.keys(TARGETS).join(", ")}`, { hint: "pulumi config set target local, or choose another stack with --stack" });
  }
  return load().target;
}
