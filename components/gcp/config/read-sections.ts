import type { Catalog, Service } from "../../../manager/src/catalog/catalog";
import { quoted } from "../../settings/problems";
import type { Problems } from "../../settings/problems";
import { mapOf, readSection, readSetting } from "../../settings/read-section";
import { DEFAULT_POOL_MAX, defaultMaxConnections, defaultMaxInstances } from "./connection-budget";
import type { ClickHouseConfig, EdgeConfig, EgressConfig, ReachConfig, ServiceRunConfig, SqlConfig } from "./gcp-config";
import { sqlMachine } from "./machine-types";
import { BACKUP_CERTIFICATE, CLICKHOUSE, EDGE, EGRESS, REACH, SERVICE, SQL } from "./settings";

/** A part that can be off: off where it is not set or `false`, on with all defaults by `true`, else on with what its map says. */
export function readSwitchable<T>(raw: unknown, path: string, problems: Problems, read: (raw: unknown) => T): T | null {
  if (raw === undefined || raw === null || raw === false || raw === "false") return null;
  if (raw === true || raw === "true") return read(undefined);
  return typeof raw === "object" || (typeof raw === "string" && raw.startsWith("{")) ? read(raw) : (problems.set(path, `is ${quoted(raw)}, no map of settings, true or false`, "true"), null);
}

export function readEgress(raw: unknown, problems: Problems): EgressConfig {
  const mode = readSetting(EGRESS.direct.mode, "egress.mode", mapOf(raw, "egress", problems)["mode"], problems);
  if (!problems.clean("egress")) return { mode: "direct" };
  if (mode === "connector") return { ...readSection(EGRESS.connector, "egress", raw, problems), mode };
  readSection(EGRESS.direct, "egress", raw, problems);
  return { mode: "direct" };
}

export function readReach(raw: unknown, problems: Problems): ReachConfig {
  const transport = readSetting(REACH.direct.transport, "reach.transport", mapOf(raw, "reach", problems)["transport"], problems)!;
  if (!problems.clean("reach")) return { transport: "tunnel", members: [] };
  if (transport === "direct") return { transport, probe: readSection(REACH.direct, "reach", raw, problems).probe ?? null };
  if (transport === "job") return { transport, image: readSection(REACH.job, "reach", raw, problems).image };
  return { transport, members: readSection(REACH.tunnel, "reach", raw, problems).members };
}

export function readSql(raw: unknown, problems: Problems): SqlConfig {
  const values = readSection(SQL, "sql", raw, problems);
  return { ...values, maxConnections: values.maxConnections ?? defaultMaxConnections(sqlMachine(values.machineType)!.memoryMb) };
}

export function readClickHouse(raw: unknown, region: string, problems: Problems): ClickHouseConfig {
  const values = readSection(CLICKHOUSE, "clickhouse", raw, problems);
  return { ...values, zone: values.zone ?? `${region}-b` };
}

export function readEdge(raw: unknown, problems: Problems): EdgeConfig {
  const { backupCertificate, served } = mapOf(raw, "edge", problems);
  if (served === "backup" && (backupCertificate === undefined || backupCertificate === null)) problems.set("edge.served", "is backup, but there is no backup certificate (bulkhead:edge.backupCertificate)", "managed");
  return {
    ...readSection(EDGE, "edge", raw, problems, ["backupCertificate"]),
    backupCertificate: backupCertificate === undefined || backupCertificate === null ? null : readSection(BACKUP_CERTIFICATE, "edge.backupCertificate", backupCertificate, problems),
  };
}

/** What is run: the catalog's services that have an image, there or in the stack. */
export function readServices(raw: unknown, catalog: Catalog, problems: Problems): Readonly<Record<string, ServiceRunConfig>> {
  const map = mapOf(raw, "services", problems);
  for (const name of Object.keys(map)) {
    if (!catalog.services.some((service) => service.name === name)) problems.remove(`services.${name}`, `is no service of services.ts; it has ${catalog.services.map((service) => service.name).join(", ")}`);
  }
  return Object.fromEntries(
    catalog.services.flatMap((service) => {
      const own = Object.hasOwn(map, service.name) ? map[service.name] : undefined;
      const run = readService(service, own, problems);
      return run === undefined ? [] : [[service.name, run]];
    }),
  );
}

function readService(service: Service, raw: unknown, problems: Problems): ServiceRunConfig | undefined {
  const path = `services.${service.name}`;
  const values = readSection(SERVICE, path, raw, problems);
  const image = values.image ?? service.image ?? undefined;
  if (image === undefined) {
    if (raw !== undefined && problems.clean(path)) problems.set(`${path}.image`, "is not set, here or in services.ts, so there is nothing to run", SERVICE.image.example);
    return undefined;
  }
  const poolMax = values.poolMax ?? (service.database === null ? 0 : DEFAULT_POOL_MAX);
  // One at the least: when not even that fits, the check of the budget says so.
  const maxInstances = values.maxInstances ?? Math.max(1, values.minInstances, defaultMaxInstances(service.connections, poolMax));
  return { ...values, image, poolMax, maxInstances };
}
