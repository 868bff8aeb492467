import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";

import { ClickHouse, clickHouseHost } from "../../../components/gcp/stores/clickhouse";
import type { ClickHouseArgs } from "../../../components/gcp/stores/clickhouse";
import { renderCloudInit } from "../../../components/gcp/stores/clickhouse/cloud-init";
import { renderServerConfig } from "../../../components/gcp/stores/clickhouse/server-config";
import { clickHouseUser, renderDatabases, renderHashSources, renderUsers } from "../../../components/gcp/stores/clickhouse/users";
import { escapeXml, quoteIdentifier } from "../../../components/gcp/stores/clickhouse/xml";
import { ServiceAccounts } from "../../../components/gcp/identity/service-accounts";
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

test("the server speaks TLS only", () => {
  const config = renderServerConfig();
  for (const port of ["http_port", "tcp_port", "mysql_port", "postgresql_port", "interserver_http_port"]) expect(config).toContain(`<${port} remove="1"/>`);
  expect(config).toContain("<https_port>8443</https_port>");
  expect(config).toContain("<tcp_port_secure>9440</tcp_port_secure>");
  expect(config).toContain("<disableProtocols>sslv2,sslv3,tlsv1,tlsv1_1</disableProtocols>");
});

test("each service has its own database, profile and quota, and the user without a password is removed", () => {
  const users = renderUsers([clickHouseUser("backend"), clickHouseUser("user-files")]);
  expect(users).toContain('<default remove="1"/>');
  expect(unescape(users)).toContain("<grants><query>GRANT ALL ON `backend`.*</query></grants>");
  expect(unescape(users)).toContain("<grants><query>GRANT ALL ON `user_files`.*</query></grants>");
  expect(users.match(/<access_management>0<\/access_management>/g)).toHaveLength(2);
  expect(users.match(/<quota>(\w+)<\/quota>/g)).toEqual(["<quota>backend</quota>", "<quota>user_files</quota>"]);
  expect(users).not.toMatch(/password|ON \*\.\*/);
  assertWellFormed(users);
  assertWellFormed(renderServerConfig());
});

test("a hostile name of a database stays text within XML and one identifier within SQL", () => {
  const hostile = "a`.* TO `default` </query><query>GRANT ALL ON *.*";
  const [users, databases] = [renderUsers([{ name: "backend", database: hostile }]), renderDatabases([{ name: "backend", database: hostile }])];
  expect(users).not.toContain(hostile);
  expect(users.match(/<query>/g)).toHaveLength(1);
  expect(databases.match(/<query>/g)).toHaveLength(1);
  expect(unescape(databases)).toContain("CREATE DATABASE IF NOT EXISTS `a\\`.* TO \\`default\\` </query>");
  assertWellFormed(users);
  assertWellFormed(databases);
});

test("text of any kind survives XML, and what XML cannot hold is refused", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      let escaped: string;
      try {
        escaped = escapeXml(text);
      } catch {
        // eslint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(!text.isWellFormed() || /[\u0000-\u001f\ufffe\uffff]/.test(text)).toBe(true);
        return;
      }
      expect(escaped).not.toMatch(/[<>"']/);
      expect(unescape(escaped)).toBe(text);
    }),
  );
});

test("an identifier in backquotes ends at its last character, whatever is in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "`", "\\", '"', " ") }), (name) => {
      expect(quoteIdentifier(name)).toMatch(/^`(?:[^`\\]|\\[`\\])*`$/);
    }),
  );
});

test("a name that cannot be a user's is refused, also where a secret is looked up", () => {
  for (const name of ["default", "Backend", "a b", "a><b", "", "1a", "a-b"]) {
    expect(() => renderUsers([{ name, database: "x" }])).toThrow("cannot be the name");
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

function unescape(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}

/** Every element that begins ends, in order. Enough for what is rendered here. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  for (const [, end, name, empty] of xml.matchAll(/<(\/?)([a-z_][\w-]*)[^<>]*?(\/?)>/gi)) {
    if (end === "/") expect(open.pop()).toBe(name);
    else if (empty !== "/") open.push(name ?? "");
  }
  expect(open).toEqual([]);
}
