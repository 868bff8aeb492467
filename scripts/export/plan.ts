import { PROVIDER, PROVIDER_SOURCE, typeOf } from "./configuration";
import type { ProviderSettings } from "./configuration";
import { edgesOf } from "./depends-on";
import type { RecordedProgram } from "./record-program";
import type { References } from "./references";
import { SecretValue, Unknown } from "./resource";
import type { Value } from "./resource";
import { terraformBody } from "./terraform-body";
import type { Json, JsonObject, Notation } from "./terraform-body";

/** Of the format that `terraform show -json` writes. */
const FORMAT_VERSION = "1.2";
/** A version that writes this format; scanners know a plan by this. */
const TERRAFORM_VERSION = "1.11.4";

/** Writes what a program declares as the plan that creates all of it, in the form that `terraform show -json` gives a plan and scanners read it. */
export function terraformPlan({ resources, references }: RecordedProgram, settings: ProviderSettings): JsonObject {
  const edges = edgesOf(resources, references);
  const entries = resources.map((resource) => {
    const [type = "", name = ""] = resource.address.split(".");
    const body = (notation: Notation): JsonObject => terraformBody(typeOf(resource), resource.inputs, notation);
    const identity = { address: resource.address, mode: "managed", type, name };
    const values = body(valuesNotation(references));
    return {
      planned: { ...identity, provider_name: PROVIDER_SOURCE, schema_version: 0, values, sensitive_values: body(marks({ secret: true })) },
      change: {
        ...identity,
        provider_name: PROVIDER_SOURCE,
        change: { actions: ["create"], before: null, after: values, after_unknown: { id: true, ...body(marks({ unknown: true, text: (text) => valueOf(text, references) === undefined })) }, before_sensitive: false, after_sensitive: body(marks({ secret: true })) },
      },
      configured: { ...identity, provider_config_key: PROVIDER, expressions: body(expressionsNotation(references)), schema_version: 0, depends_on: edges.get(resource.address)!.dependsOn },
    };
  });
  return {
    format_version: FORMAT_VERSION,
    terraform_version: TERRAFORM_VERSION,
    planned_values: { root_module: { resources: entries.map(({ planned }) => planned) } },
    resource_changes: entries.map(({ change }) => change),
    configuration: {
      provider_config: { [PROVIDER]: { name: PROVIDER, full_name: PROVIDER_SOURCE, expressions: { project: { constant_value: settings.project }, region: { constant_value: settings.region } } } },
      root_module: { resources: entries.map(({ configured }) => configured) },
    },
  };
}

/** The text, if everything in it is given by the program. */
function valueOf(text: string, references: References): string | undefined {
  const pieces = references.pieces(text).map((piece) => (typeof piece === "string" ? piece : piece.value === undefined ? undefined : valueOf(piece.value, references)));
  return pieces.includes(undefined) ? undefined : pieces.join("");
}

/** What is known; what is not is left out. */
function valuesNotation(references: References): Notation {
  return { text: (text) => valueOf(text, references), constant: (value) => value, secret: () => undefined, unknown: () => undefined, block: (fields) => [fields], list: (entries) => entries, map: (entries) => entries };
}

/** `true` where something is secret or unknown, at the place that it would have. */
function marks({ secret = false, unknown = false, text = () => false }: { secret?: boolean; unknown?: boolean; text?: (text: string) => boolean }): Notation {
  const isMarked = (value: Value): boolean => (typeof value === "string" ? text(value) : value instanceof SecretValue ? secret : value instanceof Unknown && unknown);
  const mark = (marked: boolean): Json | undefined => (marked ? true : undefined);
  return {
    text: (value) => mark(text(value)),
    constant: () => false,
    secret: () => mark(secret),
    unknown: () => mark(unknown),
    block: (fields) => [fields],
    list: (_entries, values) => (values.some(isMarked) ? values.map(isMarked) : undefined),
    map: (entries) => entries,
  };
}

/** Each argument as a constant, or by what it refers to. */
function expressionsNotation(references: References): Notation {
  const namesIn = (value: Value): string[] => (typeof value !== "string" ? [] : references.pieces(value).flatMap((piece) => (typeof piece === "string" ? [] : [piece.expression, piece.address])));
  const expression = (values: readonly Value[], constant: Json): Json => {
    const names = [...new Set(values.flatMap(namesIn))];
    return names.length === 0 ? { constant_value: constant } : { references: names };
  };
  return {
    text: (text) => expression([text], text),
    constant: (value) => ({ constant_value: value }),
    secret: () => ({}),
    unknown: () => ({}),
    block: (fields) => [fields],
    list: (_entries, values) => expression(values, values.filter((value) => typeof value === "string" || typeof value === "number" || typeof value === "boolean")),
    map: (_entries, values) => expression(Object.values(values), Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string"))),
  };
}
