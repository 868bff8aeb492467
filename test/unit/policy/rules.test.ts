import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { judge } from "../../../policy/judge";
import { rules } from "../../../policy/policies";
import type { Declared } from "../../../policy/rule";
import { prodStack } from "../../../scripts/compliance/prod-stack";
import { weakenings, WeakStack } from "./weakened";

/** What fails, by rule. */
function failures(resources: readonly Declared[]): Record<string, readonly string[]> {
  return Object.fromEntries(judge(rules, resources).flatMap(({ rule, status, findings }) => (status === "failed" ? [[rule.name, findings]] : [])));
}

const PROVIDER = dirname(require.resolve("@pulumi/gcp/package.json"));
const tokens = new Map<string, ReadonlySet<string>>();

/** Tokens of the classes in a module of @pulumi/gcp, such as `sql`. */
function tokensOf(module: string): ReadonlySet<string> {
  const known = tokens.get(module);
  if (known !== undefined) return known;
  const files = readdirSync(join(PROVIDER, module)).filter((file) => file.endsWith(".js"));
  const found = new Set(files.flatMap((file) => /__pulumiType = '(.*?)'/.exec(readFileSync(join(PROVIDER, module, file), "utf8"))?.[1] ?? []));
  tokens.set(module, found);
  return found;
}

let prod: Declared[];
beforeAll(async () => {
  prod = await prodStack();
}, 60_000);

it("passes the stack of Pulumi.prod.yaml", () => {
  expect(failures(prod)).toEqual({});
});

it.each([
  ["connectors and read replicas", { "bulkhead:egress": { mode: "connector" }, "bulkhead:sql": { machineType: "db-custom-4-15360", readReplicas: 2 } }],
  ["a bastion", { "bulkhead:reach": { transport: "tunnel", members: ["group:ops@example.com"] } }],
])("passes a stack with %s", async (_, changes) => {
  expect(failures(await prodStack(changes))).toEqual({});
});

it("only warns of a stack without keys of its own", async () => {
  const failing = judge(rules, await prodStack({ "bulkhead:encryption": undefined })).filter(({ status }) => status === "failed");
  expect(failing.map(({ rule }) => rule.name).sort()).toEqual(["redis-customer-managed-key", "run-customer-managed-key", "secret-customer-managed-key", "sql-customer-managed-key"]);
  expect(failing.filter(({ rule }) => !rule.optional)).toEqual([]);
});

it("has a weakened stack for each rule", () => {
  expect(Object.keys(weakenings).sort()).toEqual(rules.map(({ name }) => name).sort());
});

describe.each(Object.entries(weakenings))("%s", (name, list) => {
  it.each(list.map((weaken, index) => [index + 1, weaken] as const))("fails weakened stack %i, and no other rule does", (_, weaken) => {
    const stack = new WeakStack(prod);
    weaken(stack);
    expect(Object.keys(failures(stack.resources))).toEqual([name]);
  });
});

describe("every rule", () => {
  it("has a name of its own, in words that Pulumi's configuration takes", () => {
    const names = rules.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index || !/^[a-z][a-z0-9-]+$/.test(name))).toEqual([]);
  });

  it("is about types that the provider's package has", () => {
    const weakTypes = Object.values(weakenings).flat().flatMap((weaken) => {
      const stack = new WeakStack(prod);
      weaken(stack);
      return stack.resources.filter(({ name }) => name === "weak").map(({ type }) => type);
    });
    const named = rules.flatMap(({ types }) => (types instanceof RegExp ? [] : types));
    expect([...new Set([...named, ...weakTypes])].filter((type) => !tokensOf(type.split(/[:/]/)[1]!).has(type))).toEqual([]);
  });

  it("says what holds in a sentence, and how it is mended", () => {
    const wrong = rules.filter(({ description, remediation }) => !/^[A-Z].*\.$/.test(description) || remediation === "" || remediation.endsWith("."));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});
