import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import type { StackConfig } from "../../components/stack-config";
import { parseStackConfig } from "../../components/stack-config";
import type { Catalog } from "../../manager/src/catalog/catalog";

const ROOT = join(__dirname, "..", "..");

/** The stack file of production, as the command line reads it, with settings of the test's own over it; undefined takes one away. */
export function prodConfig(changes: Readonly<Record<string, unknown>> = {}): StackConfig {
  const { config } = parse(readFileSync(join(ROOT, "Pulumi.prod.yaml"), "utf8")) as { config: Record<string, unknown> };
  const settings = Object.fromEntries(Object.entries({ ...config, ...changes }).filter(([, value]) => value !== undefined));
  return parseStackConfig("prod", settings);
}

/** The catalog that ships. */
export function shippedCatalog(): Catalog {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- as the command line loads it
  return (require("../../services") as typeof import("../../services")).default;
}

/** What the provider would answer beside the inputs, as far as the program reads it. */
export function gcpOutputs(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case "gcp:sql/databaseInstance:DatabaseInstance":
      return { name: `${name}-1234567`, connectionName: `example-project:europe-west1:${name}-1234567`, privateIpAddress: "10.20.16.3", dnsNames: [{ name: `${name}.abc.europe-west1.sql-psa.goog.`, connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE" }] };
    case "gcp:projects/serviceIdentity:ServiceIdentity":
      return { email: `service-123456789012@gcp-sa-${String(inputs["service"]).split(".")[0]}.iam.gserviceaccount.com` };
    case "gcp:serviceaccount/account:Account":
      return { email: `${((inputs["accountId"] as string | undefined) ?? name)}@example-project.iam.gserviceaccount.com`, member: `serviceAccount:${((inputs["accountId"] as string | undefined) ?? name)}@example-project.iam.gserviceaccount.com` };
    case "gcp:cloudrunv2/service:Service":
      return { uri: `https://${String(inputs["name"])}-123456789012.europe-west1.run.app` };
    case "gcp:compute/globalAddress:GlobalAddress":
    case "gcp:compute/address:Address":
      return { name, address: inputs["address"] ?? "203.0.113.7" };
    default:
      return { name: inputs["name"] ?? name, selfLink: `https://www.googleapis.com/compute/v1/projects/example-project/${name}` };
  }
}
