import { recordProgram } from "../../../scripts/export/record-program";
import { terraformConfiguration } from "../../../scripts/export/configuration";
import { terraformPlan } from "../../../scripts/export/plan";

export const SETTINGS = { project: "example-project", region: "europe-west1" };

/** A resource as it is in a `.tf.json` file or in a plan, where tests look at single fields. */
export type Fields = Readonly<Record<string, unknown>>;

/** What is exported of a program: the file's resources by address, and the whole of both files. */
export async function exported(program: () => void): Promise<{ resources: Readonly<Record<string, Fields>>; json: Fields; leftOut: readonly string[]; plan: Plan }> {
  const recorded = await recordProgram("test", program);
  const { json, leftOut } = terraformConfiguration(recorded, SETTINGS);
  const blocks = json["resource"] as Record<string, Record<string, Fields>>;
  const resources = Object.fromEntries(Object.entries(blocks).flatMap(([type, named]) => Object.entries(named).map(([name, fields]) => [`${type}.${name}`, fields])));
  return { resources, json, leftOut, plan: terraformPlan(recorded, SETTINGS) as unknown as Plan };
}

/** The parts of a plan that scanners read. */
export interface Plan {
  readonly planned_values: { readonly root_module: { readonly resources: readonly { readonly address: string; readonly values: Fields; readonly sensitive_values: Fields }[] } };
  readonly resource_changes: readonly { readonly address: string; readonly change: { readonly actions: readonly string[]; readonly after: Fields; readonly after_unknown: Fields; readonly after_sensitive: Fields } }[];
  readonly configuration: { readonly root_module: { readonly resources: readonly { readonly address: string; readonly expressions: Fields }[] } };
}
