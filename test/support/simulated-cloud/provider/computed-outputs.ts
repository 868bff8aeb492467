import { isObject, isSecret, isUnknown, UNKNOWN } from "./property-values";
import type { Value, Values } from "./property-values";
import type { Properties, PropertySchema, ResourceSchema } from "./schema/property-schema";

/**
 * The outputs of a resource: its inputs, and what the cloud adds.
 *
 * @param inputs with marks around secrets
 * @param given what is known of the rest: the outputs before an update, or what the cloud made
 * @param preview whether what is not given is unknown, or else empty as the real provider has it
 */
export function withComputed(inputs: Values, given: Values, schema: ResourceSchema, preview: boolean): Values {
  return filled(inputs, given, schema.outputs, schema.inputs, preview);
}

function filled(values: Values, given: Values, outputs: Properties, inputs: Properties, preview: boolean): Values {
  const result: Record<string, Value> = Object.fromEntries(Object.entries(values).filter(([name, value]) => name !== "__defaults" && value !== null));
  for (const [name, property] of Object.entries(outputs)) {
    const value = result[name];
    const input = inputs[name];
    if (value !== undefined) result[name] = filledValue(value, given[name], property, input, preview);
    else if (property.required === true || input === undefined) {
      const added = given[name] ?? (preview ? UNKNOWN : property.required === true ? empty(property) : undefined);
      if (added !== undefined) result[name] = added;
    }
  }
  return result;
}

function filledValue(value: Value, given: Value | undefined, output: PropertySchema, input: PropertySchema | undefined, preview: boolean): Value {
  if (isSecret(value)) return { ...value, value: filledValue(value.value, isSecret(given) ? given.value : given, output, input, preview) };
  if (isUnknown(value)) return preview || given === undefined ? value : given;
  if (Array.isArray(value) && output.items !== undefined) {
    const items = Array.isArray(given) ? given : [];
    return value.map((item: Value, index) => filledValue(item, items[index] as Value | undefined, output.items!, input?.items, preview));
  }
  if (output.type === "object" && isObject(value)) return filled(value, isObject(given) ? (given) : {}, output.properties ?? {}, input?.properties ?? {}, preview);
  return value;
}

/** What Terraform's providers have in place of a value that the cloud did not return. */
function empty(property: PropertySchema): Value {
  switch (property.type) {
    case "string": return "";
    case "number": return 0;
    case "boolean": return false;
    case "array": return [];
    case "map": return {};
    case "object": return filled({}, {}, property.properties ?? {}, {}, false);
  }
}
