import type { TierFacts } from "../../manager/src/plan/plan";
import { DEFAULT_POSTGRES_MAJOR } from "../../manager/src/plan/postgres-major";
import type { StackConfig } from "../stack-config";
import type { TierContext } from "../tier";
import { GCP_ADMIN } from "./reach/admin-login";
import type { GcpConfig } from "./config/gcp-config";
import { googleSettings } from "./google/settings";
import type { GoogleSettings } from "./google/settings";
import { createReach } from "./reach/reach";
import type { Reach } from "./reach/reach";

/** Postgres keeps 3 for superusers, Cloud SQL's own agents take a few, and the admin's sessions outside compartments the rest. */
const RESERVED_CONNECTIONS = 20;

export function gcpFacts({ sql }: GcpConfig): TierFacts {
  const major = Number(/^POSTGRES_(\d+)$/.exec(sql.version)?.[1] ?? DEFAULT_POSTGRES_MAJOR);
  // The flags of sql-flags.ts load pgaudit; without the extension in a database it logs nothing of that one's objects.
  return { admin: GCP_ADMIN, template: "template0", maxConnections: sql.maxConnections, reservedConnections: RESERVED_CONNECTIONS, extensions: ["pgaudit"], providerDatabases: ["cloudsqladmin"], ...(major !== DEFAULT_POSTGRES_MAJOR && { postgresMajor: major }) };
}

/** How Google's APIs are reached for a stack, as the provider reaches them. */
export function gcpSettings({ settings }: StackConfig): GoogleSettings {
  return googleSettings((key) => (typeof settings[key] === "string" ? settings[key] : undefined));
}

/** The way from this machine to the stack's database, as the configuration chooses it. */
export function gcpReach({ stack, config: stackConfig }: Pick<TierContext, "stack" | "config">, config: GcpConfig, progress: (line: string) => void): Reach {
  return createReach({
    settings: gcpSettings(stackConfig),
    stack,
    config: config.reach,
    facts: gcpFacts(config),
    zone: bastionZone(config),
    progress,
  });
}

/** Where the bastion is: beside ClickHouse, or in the zone that every region has. */
export function bastionZone({ region, clickhouse }: Pick<GcpConfig, "region" | "clickhouse">): string {
  return clickhouse?.zone ?? `${region}-b`;
}
