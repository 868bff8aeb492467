import { quoted } from "../../../settings/problems";
import { zoneProblem } from "../machine-types";
import type { Check } from "./check";

/** Zones that are not in the stack's region. */
export const checkZones: Check = ({ region, clickhouse }, _catalog, problems, { settings }) => {
  if (!problems.clean("gcp:region")) return;
  if (clickhouse !== null && problems.clean("clickhouse.zone")) {
    const problem = zoneProblem(clickhouse.zone, region);
    if (problem !== undefined) problems.set("clickhouse.zone", `${clickhouse.zone} ${problem}`, `${region}-b`);
  }
  // The provider's own setting: nothing here needs it, but a wrong one would be used where a resource names no zone.
  const zone = settings["gcp:zone"];
  if (zone === undefined) return;
  const problem = typeof zone === "string" ? zoneProblem(zone, region) : "is no zone";
  if (problem !== undefined) problems.set("gcp:zone", `${quoted(zone)} ${problem}`, `${region}-b`);
};
