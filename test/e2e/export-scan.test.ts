import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { DatabaseInstance } from "@pulumi/gcp/sql/databaseInstance";
import { Firewall } from "@pulumi/gcp/compute/firewall";
import { Network } from "@pulumi/gcp/compute/network";

import { suppressions } from "../../policy/suppressions";
import { terraformConfiguration } from "../../scripts/export/configuration";
import { declareGcpStack } from "../../scripts/export/gcp-program";
import { terraformPlan } from "../../scripts/export/plan";
import { recordProgram } from "../../scripts/export/record-program";
import { obtainCheckov } from "../support/checkov";
import type { CheckedResource, ScanResult } from "../support/checkov";
import { prodConfig, shippedCatalog } from "../support/gcp-stack";

const checkov = obtainCheckov();
const SETTINGS = { project: "example-project", region: "europe-west1" };
/** Checkov takes seconds to start. */
const TIMEOUT_MS = 240_000;

const isSuppressed = (id: string): boolean => suppressions.some((suppression) => suppression.id === id);
const idsOf = (checks: readonly CheckedResource[]): string[] => [...new Set(checks.map(({ id }) => id))].sort();

/** What Checkov says of a program, in both forms in which it is exported. */
async function scanned(program: () => void, scan: (file: string, framework: "terraform_json" | "terraform_plan") => ScanResult): Promise<{ configuration: ScanResult; plan: ScanResult }> {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-export-"));
  try {
    const recorded = await recordProgram("prod", program);
    const files = { configuration: join(folder, "main.tf.json"), plan: join(folder, "plan.json") };
    writeFileSync(files.configuration, JSON.stringify(terraformConfiguration(recorded, SETTINGS).json, null, 2));
    writeFileSync(files.plan, JSON.stringify(terraformPlan(recorded, SETTINGS), null, 2));
    return { configuration: scan(files.configuration, "terraform_json"), plan: scan(files.plan, "terraform_plan") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if ("missing" in checkov) {
  it.skip(`Checkov scans the exported stack: ${checkov.missing}`, () => {});
} else {
  describe("Checkov on the exported stack of Pulumi.prod.yaml", () => {
    let results: Awaited<ReturnType<typeof scanned>>;
    beforeAll(async () => {
      results = await scanned(() => declareGcpStack("prod", prodConfig(), shippedCatalog()), checkov.scan);
    }, TIMEOUT_MS);

    it("fails no check but those that are suppressed with a reason", () => {
      const failed = [...results.configuration.failed, ...results.plan.failed].filter(({ id }) => !isSuppressed(id));
      expect(failed).toEqual([]);
    });

    it("fails every check that is suppressed: no suppression is left over", () => {
      const failed = idsOf([...results.configuration.failed, ...results.plan.failed]);
      expect(suppressions.map(({ id }) => id).filter((id) => id.startsWith("CKV") && !failed.includes(id))).toEqual([]);
    });

    it("is read in both forms, with how its resources hang together", () => {
      // Of each concern one, and those that follow references from resource to resource.
      const expected = ["CKV_GCP_26", "CKV_GCP_43", "CKV_GCP_60", "CKV_GCP_95", "CKV_GCP_106", "CKV2_GCP_18"];
      expect(idsOf(results.plan.passed)).toEqual(expect.arrayContaining(expected));
      expect(idsOf(results.configuration.passed)).toEqual(expect.arrayContaining([...expected, "CKV_GCP_82"]));
      for (const { passed } of [results.configuration, results.plan]) expect(passed.length).toBeGreaterThan(100);
    });
  });

  it("finds what is wrong with a stack that was not made with care", async () => {
    const { configuration, plan } = await scanned(() => {
      const network = new Network("vpc");
      new Firewall("ssh", { network: network.id, sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["22"] }] });
      new DatabaseInstance("sql", { databaseVersion: "POSTGRES_17", settings: { tier: "db-g1-small", ipConfiguration: { ipv4Enabled: true, authorizedNetworks: [{ value: "0.0.0.0/0" }] } } });
    }, checkov.scan);
    const expected = ["CKV_GCP_2", "CKV_GCP_11", "CKV_GCP_14", "CKV_GCP_52", "CKV_GCP_60"];
    expect(idsOf(configuration.failed)).toEqual(expect.arrayContaining(expected));
    expect(idsOf(plan.failed)).toEqual(expect.arrayContaining(expected));
  }, TIMEOUT_MS);
}
