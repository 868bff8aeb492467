import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What the export needs of a resource type, as the provider's npm package declares it. */
export interface DeclaredType {
  /** Outputs that are one string, number or boolean: the ones that another resource's argument can be made from. */
  readonly scalarOutputs: readonly string[];
  /** Whether Pulumi makes up a `name` where the program gives none. */
  readonly isAutonamed: boolean;
}

const OUTPUT = /^ {4}readonly (\w+): pulumi\.Output<(.+)>;$/gm;
const SCALAR = /^(string|number|boolean)( \| undefined)?$/;
const OPTIONAL_NAME = /^ {4}name\?: pulumi\.Input</m;

const known = new Map<string, DeclaredType>();

/**
 * Reads a type's declarations from the installed package. They are generated, one property a line, so that a search for lines is enough.
 *
 * @param token such as `gcp:compute/network:Network`
 * @throws Error where the package has no such type
 */
export function declaredType(token: string): DeclaredType {
  const found = known.get(token) ?? read(token);
  known.set(token, found);
  return found;
}

function read(token: string): DeclaredType {
  const [namespace = "", module = ""] = token.split(":");
  const [group = "", file = ""] = module.split("/");
  const folder = join(dirname(require.resolve(`@pulumi/${namespace}/package.json`)), group);
  // `compute/uRLMap` of a token lies in compute/urlmap.d.ts.
  const name = readdirSync(folder).find((candidate) => candidate.toLowerCase() === `${file.toLowerCase()}.d.ts`);
  if (name === undefined) throw new Error(`@pulumi/${namespace} declares no ${token}`);
  const text = readFileSync(join(folder, name), "utf8");
  const outputs = [...text.matchAll(OUTPUT)].flatMap(([, property = "", type = ""]) => (SCALAR.test(type) ? [property] : []));
  return { scalarOutputs: outputs, isAutonamed: OPTIONAL_NAME.test(text.slice(text.lastIndexOf("Args {"))) };
}
