import { edgesOf } from "./depends-on";
import { ignoredPath } from "./ignore-changes";
import type { RecordedProgram } from "./record-program";
import type { References } from "./references";
import type { DeclaredResource } from "./resource";
import { terraformBody } from "./terraform-body";
import type { Json, JsonObject, Notation } from "./terraform-body";
import { snakeCase, terraformLabel } from "./terraform-names";

/** Settings that resources without their own take from the provider. */
export interface ProviderSettings {
  readonly project: string;
  readonly region: string;
}

/** The provider that has all that Pulumi's has; it is made from it. */
export const PROVIDER = "google-beta";
export const PROVIDER_SOURCE = `hashicorp/${PROVIDER}`;

/** A stack in Terraform's language. */
export interface TerraformConfiguration {
  /** Content of a `.tf.json` file. */
  readonly json: JsonObject;
  /** Arguments that could not be written, since the program makes them from something that is known only once the stack is up. */
  readonly leftOut: readonly string[];
}

/** Writes what a program declares as a Terraform configuration. A secret becomes a variable without a value. */
export function terraformConfiguration({ resources, references }: RecordedProgram, settings: ProviderSettings): TerraformConfiguration {
  const edges = edgesOf(resources, references);
  const variables: Record<string, Json> = {};
  const leftOut: string[] = [];
  const blocks: Record<string, Record<string, Json>> = {};
  for (const resource of resources) {
    const [type = "", name = ""] = resource.address.split(".");
    const notation = expressions(references, {
      secret: (path) => {
        const variable = terraformLabel(snakeCase(`${type}_${name}_${path}`.replace(/[^A-Za-z0-9]/g, "_")));
        variables[variable] = { type: "string", sensitive: true, description: `${path} of ${resource.address}` };
        return `\${var.${variable}}`;
      },
      unknown: (path) => void leftOut.push(`${resource.address}: ${path}`),
    });
    (blocks[type] ??= {})[name] = { provider: PROVIDER, ...terraformBody(typeOf(resource), resource.inputs, notation), ...metaArguments(resource, edges.get(resource.address)!.dependsOn) };
  }
  return {
    json: {
      terraform: { required_providers: { [PROVIDER]: { source: PROVIDER_SOURCE } } },
      provider: { [PROVIDER]: { ...settings } },
      ...(Object.keys(variables).length === 0 ? {} : { variable: variables }),
      resource: blocks,
    },
    leftOut,
  };
}

/** What Terraform itself reads of a resource. */
function metaArguments(resource: DeclaredResource, dependsOn: readonly string[]): JsonObject {
  const ignored = resource.ignoreChanges.map((path) => ignoredPath(typeOf(resource), path, resource.inputs));
  return {
    ...(dependsOn.length === 0 ? {} : { depends_on: dependsOn }),
    ...(resource.protect || ignored.length > 0 ? { lifecycle: { ...(resource.protect ? { prevent_destroy: true } : {}), ...(ignored.length === 0 ? {} : { ignore_changes: ignored }) } } : {}),
    ...(Object.keys(resource.timeouts).length === 0 ? {} : { timeouts: resource.timeouts }),
  };
}

function expressions(references: References, { secret, unknown }: Pick<Notation, "secret" | "unknown">): Notation {
  return {
    text: (text) => references.pieces(text).map((piece) => (typeof piece === "string" ? literal(piece) : `\${${piece.expression}}`)).join(""),
    constant: (value) => value,
    secret,
    unknown,
    block: (fields) => fields,
    list: (entries) => entries,
    map: (entries) => entries,
  };
}

/** In a text of Terraform's, `${` and `%{` begin an expression. */
function literal(text: string): string {
  return text.replace(/[$%](?=\{)/g, (sign) => sign + sign);
}

/** Last part of the token: `RouterNat`. */
export function typeOf({ token }: DeclaredResource): string {
  return token.split(":").at(-1)!;
}
