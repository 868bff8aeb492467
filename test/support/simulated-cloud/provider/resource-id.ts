import { randomInt } from "node:crypto";

import type { CloudSettings } from "./cloud";
import type { Values } from "./property-values";

/**
 * Fills inputs into the form of an id.
 *
 * @param form `{name}` for an input, `{secret:last}` for what comes after its last slash; where the program gave no project, region,
 * location or zone, the provider's own; `{generated}` for a number that the cloud makes up
 * @throws Error where an input is missing
 */
export function resourceId(form: string, inputs: Values, settings: CloudSettings): string {
  return form.replace(/\{(\w+)(:last)?\}/g, (_, name: string, last: string | undefined) => {
    if (name === "generated") return String(randomInt(2 ** 47));
    const value = inputs[name] ?? ({ project: settings.project, region: settings.region, zone: settings.zone, location: settings.region } as Values)[name];
    if (typeof value !== "string" || value === "") throw new Error(`${name}: required field is not set`);
    return last === undefined ? value : value.split("/").at(-1)!;
  });
}
