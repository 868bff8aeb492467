import "../../support/simulated-cloud/google-api/fetch-in-jest";

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { ReachConfig } from "../../../components/gcp/config/gcp-config";
import { googleSettings } from "../../../components/gcp/google/settings";
import type { GoogleSettings } from "../../../components/gcp/google/settings";
import { GCP_ADMIN } from "../../../components/gcp/reach/admin-login";
import { namesOf } from "../../../components/gcp/labels";
import { createReach } from "../../../components/gcp/reach/reach";
import type { Reach } from "../../../components/gcp/reach/reach";
import type { Catalog } from "../../../manager/src/catalog/catalog";
import { planTier } from "../../../manager/src/plan/plan-tier";
import type { TierFacts, TierPlan } from "../../../manager/src/plan/plan";
import { SECRET_LOGINS } from "../../../manager/src/secrets/secret";
import { behaviours, dispose, sqlServerOf } from "../../support/simulated-cloud/behaviours/cloud-sql";
import type { SqlServer } from "../../support/simulated-cloud/behaviours/sql-server/sql-server";
import { startGoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import type { GoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import type { JobFaults } from "../../support/simulated-cloud/google-api/run-jobs";
import { Cloud } from "../../support/simulated-cloud/provider/cloud";
import type { CloudResource } from "../../support/simulated-cloud/provider/cloud";

/** The checkout: the image of the setup job has its schema folders from here. */
export const ROOT = resolve(__dirname, "../../..");
export const STACK = "prod";
export const FACTS: TierFacts = { admin: GCP_ADMIN, template: "template0", maxConnections: 400, reservedConnections: 13, extensions: ["pgaudit"], providerDatabases: ["cloudsqladmin"] };

/** A simulated project with what Pulumi would have made of it: an instance, and empty secrets. */
export interface CloudTier {
  readonly cloud: Cloud;
  readonly api: GoogleApi;
  readonly settings: GoogleSettings;
  readonly catalog: Catalog;
  readonly plan: TierPlan;
  readonly sql: SqlServer;
  readonly instance: CloudResource;
  /** Lines of progress of all reaches. */
  readonly progress: string[];
  reach(config: ReachConfig): Reach;
  close(): Promise<void>;
}

export async function startCloudTier(catalog: Catalog, jobFaults: JobFaults = {}): Promise<CloudTier> {
  const cloud = new Cloud(mkdtempSync(join(tmpdir(), "bulkhead-cloud-")));
  const { project } = cloud.settings;
  const names = namesOf(STACK);
  for (const secretId of [names.adminSecret, ...catalog.services.flatMap(({ name, database }) => (database === null ? [] : SECRET_LOGINS.map((login) => names.secret(name, login))))]) {
    cloud.put({ type: "gcp:secretmanager/secret:Secret", id: `projects/${project}/secrets/${secretId}`, name: secretId, urn: "", inputs: { secretId }, outputs: { secretId } });
  }
  const instance = await createInstance(cloud, "main-1234");
  const api = await startGoogleApi(cloud, jobFaults);
  const settings = googleSettings((key) => ({ "gcp:project": project, "gcp:region": cloud.settings.region })[key], api.environment);
  const progress: string[] = [];
  return {
    cloud,
    api,
    settings,
    catalog,
    plan: planTier(catalog, FACTS),
    sql: sqlServerOf(cloud, instance.id)!,
    instance,
    progress,
    reach: (config) => createReach({ settings, stack: STACK, config, facts: FACTS, zone: cloud.settings.zone, progress: (line) => void progress.push(line) }),
    async close() {
      await api.close();
      await dispose(cloud);
      rmSync(cloud.dir, { recursive: true, force: true });
    },
  };
}

async function createInstance(cloud: Cloud, name: string): Promise<CloudResource> {
  const type = "gcp:sql/databaseInstance:DatabaseInstance";
  const dnsName = `${name}.0a1b2c.${cloud.settings.region}.sql.goog.`;
  const inputs = { name, databaseVersion: "POSTGRES_17", settings: { userLabels: { "bulkhead-stack": STACK }, databaseFlags: [{ name: "log_connections", value: "on" }, { name: "cloudsql.enable_pgaudit", value: "on" }] } };
  const resource: CloudResource = { type, id: `projects/${cloud.settings.project}/instances/${name}`, name: "sql", urn: "", inputs, outputs: { ...inputs, dnsNames: [{ name: dnsName, connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE" }] } };
  const made = await behaviours[type]!.create!(resource, cloud);
  Object.assign(resource.outputs, made);
  cloud.put(resource);
  return resource;
}

/** Changes how the stand-in for gcloud behaves. */
export function setGcloudFaults({ cloud }: CloudTier, faults: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(cloud.dir, "gcloud.json"), JSON.stringify(faults));
}
