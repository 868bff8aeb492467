import type { Catalog } from "../../../manager/src/catalog/catalog";
import { Problems } from "../../settings/problems";
import { readSection, readSetting } from "../../settings/read-section";
import { ownSettings } from "../../stack-config";
import type { StackConfig } from "../../stack-config";
import { checkCatalog } from "./checks/check-catalog";
import { checkNames } from "./checks/check-names";
import { checkNetwork } from "./checks/check-network";
import { checkServices, checkTierImages } from "./checks/check-services";
import { checkSql } from "./checks/check-sql";
import { checkZones } from "./checks/check-zones";
import type { GcpConfig } from "./gcp-config";
import { readClickHouse, readEdge, readEgress, readReach, readServices, readSql, readSwitchable } from "./read-sections";
import { DELETION_PROTECTION, ENCRYPTION, NETWORK, OWN_SETTINGS, PROJECT_ID, REDIS, REGION, SECRETS, WATCH } from "./settings";

/** In the order in which a person would mend things; each looks only at what none before it found fault with. */
const CHECKS = [checkSql, checkZones, checkServices, checkTierImages, checkNetwork, checkCatalog, checkNames];

/**
 * The configuration of a gcp stack with every default filled in, checked as a whole and against the catalog. Pure: asks nobody, so that it
 * comes before anything is created, in the program and on the command line alike.
 *
 * @throws BulkheadError `CONFIG_INVALID` with every problem and, for each, the line that mends it
 */
export function parseGcpConfig(config: StackConfig, catalog: Catalog): GcpConfig {
  const problems = new Problems(config.stack);
  const own = ownSettings(config);
  for (const name of Object.keys(own)) if (!(OWN_SETTINGS as readonly string[]).includes(name)) problems.remove(name, `is no setting of a gcp stack; it has target, ${OWN_SETTINGS.join(", ")}`);

  const region = readSetting(REGION, "gcp:region", config.settings["gcp:region"], problems)!;
  const parsed: GcpConfig = {
    project: readSetting(PROJECT_ID, "gcp:project", config.settings["gcp:project"], problems)!,
    region,
    network: readSection(NETWORK, "network", own["network"], problems),
    egress: readEgress(own["egress"], problems),
    sql: readSql(own["sql"], problems),
    redis: readSwitchable(own["redis"], "redis", problems, (raw) => readSection(REDIS, "redis", raw, problems)),
    clickhouse: readSwitchable(own["clickhouse"], "clickhouse", problems, (raw) => readClickHouse(raw, region, problems)),
    encryption: readSection(ENCRYPTION, "encryption", own["encryption"], problems),
    secrets: readSection(SECRETS, "secrets", own["secrets"], problems),
    edge: readSwitchable(own["edge"], "edge", problems, (raw) => readEdge(raw, problems)),
    watch: readSection(WATCH, "watch", own["watch"], problems),
    reach: readReach(own["reach"], problems),
    services: readServices(own["services"], catalog, problems),
    deletionProtection: readSetting(DELETION_PROTECTION, "deletionProtection", own["deletionProtection"], problems)!,
  };
  for (const check of CHECKS) check(parsed, catalog, problems, config);
  problems.throwIfAny();
  return parsed;
}
