import { ComponentResource } from "@pulumi/pulumi";

import type { ServiceRunConfig, SqlConfig } from "../../../components/gcp/config/gcp-config";
import type { RunnableService } from "../../../components/gcp/run/run-services";
import { recordResources } from "../../support/pulumi-mocks";
import type { RecordedResource } from "../../support/pulumi-mocks";

/** A database as in the shipped example of a production stack. */
export const SQL: SqlConfig = {
  version: "POSTGRES_17",
  machineType: "db-custom-4-15360",
  edition: "ENTERPRISE",
  availability: "REGIONAL",
  diskSizeGb: 20,
  diskLimitGb: 200,
  backup: { startTime: "02:00", retained: 14, transactionLogDays: 7 },
  maintenance: { day: 7, hour: 3 },
  readReplicas: 0,
  maxConnections: 400,
};

export const RUN: ServiceRunConfig = {
  image: "europe-west1-docker.pkg.dev/example/services/backend@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  minInstances: 0,
  maxInstances: 4,
  poolMax: 5,
  cpu: 1,
  memoryMb: 512,
  concurrency: 80,
};

/** The example's services that run in the cloud, and one that does not. */
export const SERVICES: readonly RunnableService[] = [
  { name: "auth", port: 5500, database: "auth_db", redis: false, clickhouse: false, calls: [], healthPath: "/health" },
  { name: "accounts", port: 8001, database: "accounts_db", redis: false, clickhouse: false, calls: [], healthPath: "/health" },
  { name: "backend", port: 8000, database: "backend_db", redis: true, clickhouse: true, calls: ["accounts", "auth"], healthPath: "/live" },
  { name: "frontend", port: 3000, database: null, redis: false, clickhouse: false, calls: ["backend", "accounts"], healthPath: "/health" },
];

export const NETWORK = "projects/example/global/networks/bulkhead";

/** Stands for whatever a component waits for. */
export class Before extends ComponentResource {
  constructor(name = "before") {
    super("test:Before", name);
    this.registerOutputs({});
  }
}

/** What Google answers beside what it was asked: names, addresses and accounts. */
export function record(program: () => unknown): Promise<RecordedResource[]> {
  return recordResources(program, (type, name, inputs) => {
    switch (type) {
      case "gcp:sql/databaseInstance:DatabaseInstance":
        return { name: `${name}-1a2b3c4`, dnsName: "", dnsNames: [{ name: `${name}.abc.europe-west1.sql.goog.`, connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE" }], privateIpAddress: "10.20.16.5" };
      case "gcp:serviceaccount/account:Account":
        return { email: `${name}@example.iam.gserviceaccount.com`, member: `serviceAccount:${name}@example.iam.gserviceaccount.com` };
      case "gcp:projects/serviceIdentity:ServiceIdentity":
        return { email: `service-4711@gcp-sa-${String(inputs["service"]).split(".")[0]}.iam.gserviceaccount.com` };
      case "gcp:compute/address:Address":
        return { address: "10.20.4.7" };
      default:
        return { name: inputs["name"] ?? name };
    }
  });
}

/** Inputs of the one resource of a type, or of the one with that name. */
export function inputsOf(resources: readonly RecordedResource[], type: string, name?: string): Record<string, unknown> {
  const found = resources.filter((resource) => resource.type === type && (name === undefined || resource.name === name));
  if (found.length !== 1) throw new Error(`${found.length} resources of ${type} ${name ?? ""}: ${resources.map((resource) => `${resource.type} ${resource.name}`).join(", ")}`);
  return found[0]?.inputs ?? {};
}

/** All of a type, by name: the order in which they are registered depends on what each waits for. */
export function ofType(resources: readonly RecordedResource[], type: string): readonly RecordedResource[] {
  return resources.filter((resource) => resource.type === type).sort((a, b) => (a.name < b.name ? -1 : 1));
}
