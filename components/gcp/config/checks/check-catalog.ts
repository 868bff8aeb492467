import type { Catalog } from "../../../../manager/src/catalog/catalog";
import { setCommand } from "../../../settings/problems";
import { CLICKHOUSE } from "../settings";
import type { Check } from "./check";

/** Whether the stack has what services ask for. */
export const checkCatalog: Check = (config, catalog, problems, { stack }) => {
  const asking = (wants: (service: Catalog["services"][number]) => boolean): string => catalog.services.filter(wants).map(({ name }) => name).join(", ");
  const redis = asking((service) => service.redis);
  if (config.redis === null && redis !== "" && problems.clean("redis")) problems.set("redis", `is off, but services.ts asks for it: ${redis}`, "true");
  const clickhouse = asking((service) => service.clickhouse);
  if (config.clickhouse === null && clickhouse !== "" && problems.clean("clickhouse")) problems.add("clickhouse", `is off, but services.ts asks for it: ${clickhouse}`, setCommand("clickhouse.image", CLICKHOUSE.image.example, stack));
  if (config.edge === null || !problems.clean("edge")) return;

  const routed = catalog.services.filter(({ path }) => path !== null);
  for (const { name, path } of routed) {
    if (config.services[name] === undefined && problems.clean(`services.${name}`)) problems.add(`service ${name}`, `has the path ${path!} at the edge, but no image to run`, `in services.ts, give it an image, or take away its path`);
  }
  if (!routed.some(({ path }) => path === "/*")) problems.add("edge", "has no service for paths that no other takes", 'in services.ts, give one service path: "/*", or take the edge away: pulumi config rm edge');
};
