import { gcpFacts } from "../../support/simulated-cloud/provider/gcp/gcp-facts";
import { allowedValues } from "../../support/simulated-cloud/provider/schema/allowed-values";
import { packageSchema } from "../../support/simulated-cloud/provider/schema/schema-cache";

const schema = packageSchema("@pulumi/gcp", Object.keys(gcpFacts));

test("names, types, what is required and what the cloud fills in come from the declarations", () => {
  const { inputs, outputs } = schema["gcp:sql/databaseInstance:DatabaseInstance"]!;
  expect(inputs["databaseVersion"]).toEqual({ type: "string", required: true });
  expect(inputs["name"]).toEqual({ type: "string", computed: true });
  expect(inputs["privateIpAddress"]).toBeUndefined();
  expect(outputs["privateIpAddress"]).toEqual({ type: "string", required: true });
  expect(inputs["settings"]?.properties?.["tier"]).toEqual({ type: "string", required: true });
  expect(inputs["settings"]?.properties?.["diskSize"]).toEqual({ type: "number", computed: true });
  expect(inputs["settings"]?.properties?.["databaseFlags"]?.items?.properties).toEqual({ name: { type: "string", required: true }, value: { type: "string", required: true } });
  expect(inputs["settings"]?.properties?.["userLabels"]).toEqual({ type: "map", items: { type: "string" }, computed: true });
  expect(schema["gcp:compute/network:Network"]?.inputs["routingMode"]?.enum).toEqual(["REGIONAL", "GLOBAL"]);
  expect(schema["gcp:compute/uRLMap:URLMap"]?.inputs["hostRules"]?.type).toBe("array");
});

test("a comment's list of values counts only where it says that it is all of them", () => {
  expect(allowedValues("How. Possible values are: `A`, `B-1`. More.")).toEqual(["A", "B-1"]);
  expect(allowedValues("For example `A` or `B`.")).toBeUndefined();
  expect(allowedValues("Default value is `A`. Possible values are: `A`.")).toEqual(["A"]);
});
