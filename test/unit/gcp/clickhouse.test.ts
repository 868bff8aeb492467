import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { ClickHouse, clickHouseHost } from "../../../components/gcp/stores/clickhouse";
import type { ClickHouseArgs } from "../../../components/gcp/stores/clickhouse";
import { renderCloudInit } from "../../../components/gcp/stores/clickhouse/cloud-init";
import { renderDatabases, renderHashSources } from "../../../components/gcp/stores/clickhouse/machine-files";
import { ServiceAccounts } from "../../../components/gcp/identity/service-accounts";
import { clickHouseUser } from "../../../manager/src/clickhouse/names";
import { assertWellFormed, unescapeXml } from "../../support/xml";
import { inputsOf, NETWORK, ofType, record } from "./data-fixtures";

const INSTANCE = "gcp:compute/instance:Instance";

function clickHouse(more: Partial<ClickHouseArgs> = {}) {
  return record(() => {
    const account = new ServiceAccounts("accounts", { stack: "prod", services: [], machines: ["clickhouse"] }).machines.clickhouse;
    if (account === undefined) throw new Error("no account");
    return new ClickHouse("clickhouse", {
      stack: "prod",
      project: "example",
      region: "europe-west1",
      network: NETWORK,
      subnetwork: "projects/example/machines",
      tag: "clickhouse",
      services: ["backend", "user-files"],
      config: { machineType: "n2d-standard-2", zone: "europe-west1-b", diskSizeGb: 100, image: "clickhouse/clickhouse-server:25.8", snapshotRetentionDays: 14 },
      account,
      encryptionKey: null,
      deletionProtection: true,
      ...more,
    });
  });
}

test("the machine is confidential and shielded, has a fixed private address, and no public one", async () => {
  const instance = inputsOf(await clickHouse(), INSTANCE);
  expect(instance).toMatchObject({
    zone: "europe-west1-b",
    machineType: "n2d-standard-2",
    canIpForward: false,
    deletionProtection: true,
    tags: ["clickhouse"],
    labels: { "bulkhead-stack": "prod" },
    networkInterfaces: [{ subnetwork: "projects/example/machines", networkIp: "10.20.4.7" }],
    serviceAccount: { email: "accounts-clickhouse@example.iam.gserviceaccount.com" },
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
    confidentialInstanceConfig: { enableConfidentialCompute: true, confidentialInstanceType: "SEV" },
    scheduling: { onHostMaintenance: "TERMINATE", automaticRestart: true },
    attachedDisks: [{ source: "clickhouse-data-id", deviceName: "clickhouse-data", mode: "READ_WRITE" }],
    metadata: { "enable-oslogin": "TRUE", "block-project-ssh-keys": "true", "serial-port-enable": "false" },
  });
  expect(JSON.stringify(instance)).not.toContain("accessConfigs");
});

test("a machine of a family without SEV is an ordinary one that moves while it runs", async () => {
  const config = { machineType: "e2-standard-2", zone: "europe-west1-b", diskSizeGb: 100, image: "x:1", snapshotRetentionDays: 14 };
  const instance = inputsOf(await clickHouse({ config }), INSTANCE);
  expect(instance).toMatchObject({ scheduling: { onHostMaintenance: "MIGRATE" } });
  expect(instance).not.toHaveProperty("confidentialInstanceConfig");
});

test("the data is on a disk of its own with daily snapshots, and the machine's name resolves in the VPC", async () => {
  const resources = await clickHouse({ encryptionKey: "projects/p/key" });
  expect(inputsOf(resources, "gcp:compute/disk:Disk")).toEqual({
    zone: "europe-west1-b",
    type: "pd-ssd",
    size: 100,
    labels: { "bulkhead-stack": "prod" },
    createSnapshotBeforeDestroy: true,
    diskEncryptionKey: { kmsKeySelfLink: "projects/p/key" },
  });
  expect(inputsOf(resources, "gcp:compute/resourcePolicy:ResourcePolicy")).toMatchObject({
    snapshotSchedulePolicy: { schedule: { dailySchedule: { daysInCycle: 1, startTime: "03:00" } }, retentionPolicy: { maxRetentionDays: 14, onSourceDiskDelete: "KEEP_AUTO_SNAPSHOTS" } },
  });
  expect(inputsOf(resources, "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment")).toEqual({ name: "clickhouse-snapshots", disk: "clickhouse-data", zone: "europe-west1-b" });
  expect(inputsOf(resources, "gcp:dns/recordSet:RecordSet")).toMatchObject({ name: "clickhouse.prod.bulkhead.internal.", rrdatas: ["10.20.4.7"] });
});

test("the machine's account may tell about itself, and nothing else in the project", async () => {
  const roles = ofType(await clickHouse(), "gcp:projects/iAMMember:IAMMember").map(({ inputs }) => inputs["role"]);
  expect(roles).toEqual(["roles/logging.logWriter", "roles/monitoring.metricWriter"]);
});

test("the metadata names users and secrets, and holds no secret", async () => {
  const { metadata } = inputsOf(await clickHouse(), INSTANCE) as unknown as { metadata: Record<string, string> };
  expect(metadata["clickhouse-hashes"]).toBe("backend bulkhead-prod-backend-clickhouse-hash\nuser_files bulkhead-prod-user-files-clickhouse-hash\n");
  expect(metadata["clickhouse-tls-secret"]).toBe("bulkhead-prod-clickhouse-tls");
  expect(Object.values(metadata).join("\n")).not.toMatch(/-----BEGIN|<password[^>]*>(?!%s)/);
  // The API's limit for all metadata of an instance is 512 KiB, for one value 256 KiB.
  expect(Buffer.byteLength(JSON.stringify(metadata))).toBeLessThan(64 * 1024);
});

test("the machine's server speaks TLS only", async () => {
  const config = (await machineFiles())["clickhouse-server-config"] ?? "";
  for (const port of ["http_port", "tcp_port", "mysql_port", "postgresql_port", "interserver_http_port"]) expect(config).toContain(`<${port} remove="1"/>`);
  expect(config).toContain("<https_port>8443</https_port>");
  expect(config).toContain("<tcp_port_secure>9440</tcp_port_secure>");
  expect(config).toContain("<certificateFile>/etc/clickhouse-server/tls/server.pem</certificateFile>");
  assertWellFormed(config);
});

test("on the machine each service has grants on its own database, its quota and limits, may come from private networks, and has no password in the metadata", async () => {
  const users = (await machineFiles())["clickhouse-users"] ?? "";
  expect(users).toContain('<users replace="1">');
  expect(unescapeXml(users)).toContain("<grants><query>GRANT ALL ON `backend`.*</query><query>REVOKE CREATE DICTIONARY ON `backend`.*</query></grants>");
  expect(unescapeXml(users)).toContain("<grants><query>GRANT ALL ON `user_files`.*</query><query>REVOKE CREATE DICTIONARY ON `user_files`.*</query></grants>");
  expect(users.match(/<quota>(\w+)<\/quota>/g)).toEqual(["<quota>backend</quota>", "<quota>user_files</quota>"]);
  expect(users).toContain("<ip>10.0.0.0/8</ip>");
  expect(users).toContain("<max_memory_usage_for_user>4294967296</max_memory_usage_for_user>");
  expect(users).not.toMatch(/password|ON \*\.\*/);
  assertWellFormed(users);
});

test("a hostile name of a database stays text within XML and one identifier within SQL", () => {
  const databases = renderDatabases([{ name: "backend", database: "a`.* TO `default` </query><query>GRANT ALL ON *.*" }]);
  expect(databases.match(/<query>/g)).toHaveLength(1);
  expect(unescapeXml(databases)).toContain("CREATE DATABASE IF NOT EXISTS `a\\`.* TO \\`default\\` </query>");
  assertWellFormed(databases);
});

test("a name that cannot be a user's is refused where a secret is looked up", () => {
  for (const name of ["default", "Backend", "a b", "a><b", "", "1a", "a-b"]) {
    expect(() => renderHashSources([{ name, database: "x" }], () => "secret")).toThrow("cannot be the name");
  }
  expect(() => renderHashSources([clickHouseUser("backend")], () => "../other")).toThrow("no id of a secret");
});

test("the machine's user data is YAML that is JSON, with scripts that bash can read", () => {
  const [head, ...rest] = renderCloudInit().split("\n");
  expect(head).toBe("#cloud-config");
  const { write_files: files } = JSON.parse(rest.join("\n")) as { write_files: { path: string; content: string }[] };
  expect(files.map(({ path }) => path)).toEqual(["/etc/bulkhead/start.sh", "/etc/bulkhead/refresh.sh", "/etc/systemd/system/clickhouse.service", "/etc/systemd/system/clickhouse-refresh.service", "/etc/systemd/system/clickhouse-refresh.timer"]);
  const folder = join(__dirname, "../../../components/gcp/stores/clickhouse");
  for (const script of readdirSync(folder).filter((name) => name.endsWith(".sh"))) expect([script, spawnSync("bash", ["-n", join(folder, script)]).status]).toEqual([script, 0]);
});

test("a stack's name makes a host name, whatever is in it", () => {
  expect(clickHouseHost("prod")).toBe("clickhouse.prod.bulkhead.internal");
  expect(clickHouseHost("Team_1.eu")).toBe("clickhouse.team-1-eu.bulkhead.internal");
});

async function machineFiles(): Promise<Record<string, string>> {
  return (inputsOf(await clickHouse(), INSTANCE) as unknown as { metadata: Record<string, string> }).metadata;
}
