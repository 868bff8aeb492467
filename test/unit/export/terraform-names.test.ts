import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { MAPS, snakeCase, terraformProperty, terraformType } from "../../../scripts/export/terraform-names";
import { declaredType } from "../../../scripts/export/declared-type";
import { gcp } from "../../support/simulated-cloud/provider/gcp/gcp-package";
import { packageSchema } from "../../support/simulated-cloud/provider/schema/schema-cache";
import type { Properties, PropertySchema } from "../../support/simulated-cloud/provider/schema/property-schema";

const TOKENS = Object.keys(gcp.facts);
const REFERENCE = join(__dirname, "../../../../shared/provider-schemas/gcp.json");
/** Skipped where the reference data are not beside the checkout. */
const withReference = existsSync(REFERENCE) ? it : it.skip;

interface ReferenceSchema {
  readonly terraform: string;
  readonly inputProperties: Readonly<Record<string, string | { readonly type: string; readonly autonamed?: boolean }>>;
}
const readReference = (): Record<string, ReferenceSchema> => (JSON.parse(readFileSync(REFERENCE, "utf8")) as { resources: Record<string, ReferenceSchema> }).resources;

/** Every argument of every type in use, however deep. */
function* declaredArguments(): Generator<{ type: string; property: string; schema: PropertySchema; siblings: Properties }> {
  function* within(type: string, properties: Properties): ReturnType<typeof declaredArguments> {
    for (const [property, schema] of Object.entries(properties)) {
      yield { type, property, schema, siblings: properties };
      yield* within(type, schema.properties ?? schema.items?.properties ?? {});
    }
  }
  for (const [token, { inputs }] of Object.entries(packageSchema(gcp.npmPackage, TOKENS))) yield* within(token.split(":").at(-1)!, inputs);
}

describe("Terraform's names", () => {
  it.each([
    ["gcp:compute/uRLMap:URLMap", "google_compute_url_map"],
    ["gcp:projects/iAMMember:IAMMember", "google_project_iam_member"],
    ["gcp:cloudrunv2/service:Service", "google_cloud_run_v2_service"],
    ["gcp:serviceaccount/account:Account", "google_service_account"],
    ["gcp:compute/targetHttpsProxy:TargetHttpsProxy", "google_compute_target_https_proxy"],
  ])("of %s is %s", (token, name) => expect(terraformType(token)).toBe(name));

  it.each([
    ["Firewall", "allows", "blocks", "allow"],
    ["Firewall", "sourceRanges", "values", "source_ranges"],
    ["SecurityPolicy", "rules", "blocks", "rule"],
    ["RouterNat", "rules", "blocks", "rules"],
    ["Service", "networkInterfaces", "blocks", "network_interfaces"],
    ["Instance", "networkInterfaces", "blocks", "network_interface"],
    ["Service", "envs", "blocks", "env"],
    ["Repository", "cleanupPolicies", "blocks", "cleanup_policies"],
    ["Subnetwork", "privateIpv6GoogleAccess", "value", "private_ipv6_google_access"],
  ] as const)("of %s.%s as %s is %s", (type, property, shape, name) => expect(terraformProperty(type, property, shape)).toBe(name));

  it("change nothing in what is written that way already", () => expect(snakeCase("disk_size_2")).toBe("disk_size_2"));

  it("give no two arguments of a block the same name", () => {
    const clashes = [...declaredArguments()].flatMap(({ type, siblings }) => {
      const names = Object.entries(siblings).map(([property, schema]) => terraformProperty(type, property, schema.type === "array" ? (schema.items?.type === "object" ? "blocks" : "values") : schema.type === "object" ? "block" : "value"));
      return names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${type}: ${name}`);
    });
    expect(clashes).toEqual([]);
  });

  it("tell maps with keys of the user's own from blocks in every type in use", () => {
    const wrong = [...declaredArguments()].filter(({ property, schema }) => (schema.type === "map" && !MAPS.has(property)) || (schema.type === "object" && MAPS.has(property)));
    expect(wrong.map(({ type, property, schema }) => `${type}.${property} is a ${schema.type}`)).toEqual([]);
  });

  withReference("are those of the real provider's types", () => {
    const wrong = Object.entries(readReference()).flatMap(([token, { terraform }]) => (terraformType(token) === terraform ? [] : [`${token}: ${terraformType(token)}, not ${terraform}`]));
    expect(wrong).toEqual([]);
  });

  withReference("are made up for the types that Pulumi makes them up for", () => {
    const wrong = Object.entries(readReference()).flatMap(([token, { inputProperties }]) => {
      const { name } = inputProperties;
      return typeof name === "object" && name.autonamed === true && !declaredType(token).isAutonamed ? [token] : [];
    });
    expect(wrong).toEqual([]);
  });
});
