
import { Bastion } from "../../../components/gcp/reach/bastion";
import { bastionStartupScript } from "../../../components/gcp/reach/bastion-startup";
import { inputsOf, ofType, record } from "./data-fixtures";
import fc from "../../support/fast-check";

function bastion(members: readonly string[] = ["group:operators@example.com"], encryptionKey: string | null = null) {
  return record(
    () =>
      new Bastion("bastion", {
        stack: "prod",
        project: "example",
        zone: "europe-west1-b",
        subnetwork: "projects/example/machines",
        tag: "bastion",
        databaseAddress: "10.20.16.5",
        members,
        account: "bulkhead-bastion@example.iam.gserviceaccount.com",
        encryptionKey,
      }),
  );
}

test("the bastion is a shielded machine without a public address, a password or a key of the project", async () => {
  const instance = inputsOf(await bastion(), "gcp:compute/instance:Instance");
  expect(instance).toMatchObject({
    name: "bulkhead-prod-bastion",
    zone: "europe-west1-b",
    machineType: "e2-micro",
    canIpForward: false,
    tags: ["bastion"],
    labels: { "bulkhead-stack": "prod" },
    networkInterfaces: [{ subnetwork: "projects/example/machines" }],
    serviceAccount: { email: "bulkhead-bastion@example.iam.gserviceaccount.com" },
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
    metadata: { "enable-oslogin": "TRUE", "block-project-ssh-keys": "true", "serial-port-enable": "false" },
  });
  expect(JSON.stringify(instance)).not.toContain("accessConfigs");
});

test("each member may open a tunnel to this machine and this port only", async () => {
  const resources = await bastion(["group:operators@example.com", "serviceAccount:ci@example.iam.gserviceaccount.com"]);
  const grants = ofType(resources, "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember");
  expect(grants.map(({ inputs }) => inputs["member"])).toEqual(["group:operators@example.com", "serviceAccount:ci@example.iam.gserviceaccount.com"]);
  expect(grants[0]?.inputs).toMatchObject({ project: "example", zone: "europe-west1-b", instance: "bulkhead-prod-bastion", role: "roles/iap.tunnelResourceAccessor", condition: { expression: "destination.port == 5432" } });
});

test("a key of one's own encrypts its disk", async () => {
  expect(inputsOf(await bastion([], "projects/p/key"), "gcp:compute/instance:Instance")).toMatchObject({ bootDisk: { kmsKeySelfLink: "projects/p/key" } });
});

test("the script forwards to the database and downloads nothing", () => {
  const script = bastionStartupScript("10.20.16.5");
  expect(script).toContain("systemd-socket-proxyd --connections-max=64 10.20.16.5:5432");
  expect(script).toContain("ListenStream=5432");
  expect(script).not.toMatch(/curl|wget|apt|https?:/);
});

test("nothing but an IPv4 address gets into a script that root runs", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (!/^\d+\.\d+\.\d+\.\d+$/.test(text)) expect(() => bastionStartupScript(text)).toThrow("no IPv4 address");
    }),
  );
  for (const hostile of ["10.0.0.1\nrm -rf /", "10.0.0.1 ", "$(id)", "::1", "10.0.0.256"]) expect(() => bastionStartupScript(hostile)).toThrow("no IPv4 address");
});
