
import type { Service } from "../../../manager/src/catalog/catalog";
import type { EgressConfig, GcpConfig, ReachConfig } from "../../../components/gcp/config/gcp-config";
import { RUN, SQL } from "./data-fixtures";
import fc from "../../support/fast-check";

/** A service with nothing but a name. */
export function service(name: string, facts: Partial<Service> = {}): Service {
  return { name, port: 8000, database: null, connections: 40, migrations: null, urlParameters: {}, calls: [], image: `example/${name}`, redis: false, clickhouse: false, path: null, healthPath: "/health", ...facts };
}

/** As in the example: three with a store each in their own way, and the frontend, which has none. */
export const CATALOG: readonly Service[] = [
  service("accounts", { database: "accounts_db" }),
  service("backend", { database: "backend_db", redis: true, clickhouse: true, calls: ["accounts"] }),
  service("frontend", { calls: ["backend", "accounts"], path: "/*" }),
];

export const CONNECTORS: Extract<EgressConfig, { mode: "connector" }> = {
  mode: "connector",
  ranges: ["10.20.8.0/28", "10.20.8.16/28"],
  minInstances: 2,
  maxInstances: 4,
  machineType: "e2-micro",
  active: "both",
};

/** A stack with everything on that runs these services. */
export function gcpConfig(services: readonly Service[], changes: Partial<GcpConfig> = {}): GcpConfig {
  return {
    project: "example-project",
    region: "europe-west1",
    network: { servicesRange: "10.20.0.0/22", machinesRange: "10.20.4.0/24", privateServicesRange: "10.20.16.0/20", flowLogSampling: 0.5 },
    egress: { mode: "direct" },
    sql: SQL,
    redis: { tier: "STANDARD_HA", memorySizeGb: 1, version: "REDIS_7_2" },
    clickhouse: { machineType: "n2d-standard-2", zone: "europe-west1-b", diskSizeGb: 100, image: "clickhouse/clickhouse-server:25.8", snapshotRetentionDays: 14 },
    encryption: { customerManagedKeys: false },
    secrets: { rotationPeriodDays: 90, versionDestroyDelayDays: 30 },
    edge: { domains: ["example.com", "www.example.com"], served: "managed", cloudArmor: true, backupCertificate: null },
    watch: { emails: ["on-call@example.com"] },
    reach: { transport: "job", image: "example/setup" },
    services: Object.fromEntries(services.map(({ name }) => [name, RUN])),
    deletionProtection: true,
    ...changes,
  };
}

const names = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,6})?$/);

/** Catalogs of up to twelve services with any stores. */
export const catalogs: fc.Arbitrary<Service[]> = fc
  .uniqueArray(names, { maxLength: 12 })
  .chain((all) => fc.tuple(...all.map((name) => fc.record({ database: fc.constantFrom(null, `${name}_db`), redis: fc.boolean(), clickhouse: fc.boolean() }).map((facts) => service(name, facts)))));

export const egresses: fc.Arbitrary<EgressConfig> = fc.oneof(
  fc.constant({ mode: "direct" } as const),
  fc.constantFrom("both", "a", "b").map((active) => ({ ...CONNECTORS, active })),
);

export const reaches: fc.Arbitrary<ReachConfig> = fc.constantFrom<ReachConfig>({ transport: "direct", probe: null }, { transport: "tunnel", members: [] }, { transport: "job", image: "example/setup" });
