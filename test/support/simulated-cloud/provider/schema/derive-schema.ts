import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import * as ts from "typescript";

import { allowedValues } from "./allowed-values";
import type { PackageSchema, Properties, PropertySchema, ResourceSchema } from "./property-schema";

/** Declarations by name; those in a namespace as `sql.DatabaseInstanceSettings`. */
type Interfaces = ReadonlyMap<string, ts.InterfaceDeclaration>;

interface Sources {
  readonly inputs: Interfaces;
  readonly outputs: Interfaces;
}

/**
 * Derives names and types of resource types from the declarations of a provider's npm package. Only parsed, not type-checked: the
 * declarations are generated and know a handful of forms, and the checker would need a minute and a gigabyte for them.
 *
 * @param folder the package's folder
 * @param tokens such as `gcp:sql/databaseInstance:DatabaseInstance`
 * @throws Error naming the token for which there is no declaration, or a form that is not understood
 */
export function deriveSchema(folder: string, tokens: readonly string[]): PackageSchema {
  const sources = { inputs: interfacesIn(parse(join(folder, "types", "input.d.ts"))), outputs: interfacesIn(parse(join(folder, "types", "output.d.ts"))) };
  return Object.fromEntries(tokens.map((token) => [token, resourceSchema(folder, token, sources)]));
}

function resourceSchema(folder: string, token: string, sources: Sources): ResourceSchema {
  const [, module = "", name = ""] = token.split(":");
  const file = parse(declarationFile(folder, module));
  const args = interfacesIn(file).get(`${name}Args`);
  const resource = file.statements.find((statement): statement is ts.ClassDeclaration => ts.isClassDeclaration(statement) && statement.name?.text === name);
  if (args === undefined || resource === undefined) throw new Error(`${token}: no ${name} and ${name}Args in ${module}.d.ts`);
  const outputs = Object.fromEntries(
    resource.members.filter((member): member is ts.PropertyDeclaration => ts.isPropertyDeclaration(member) && isInstanceProperty(member)).map((member) => [nameOf(member), propertySchema(member, undefined, sources)] as const),
  );
  return { inputs: properties(args, (property) => outputs[property], sources), outputs };
}

/** `compute/uRLMap` of a token lies in compute/urlmap.d.ts, and `index/network` in network.d.ts. */
function declarationFile(folder: string, module: string): string {
  const [first = "", file = ""] = module.split("/");
  const group = first === "index" ? "." : first;
  const name = readdirSync(join(folder, group)).find((candidate) => candidate.toLowerCase() === `${file.toLowerCase()}.d.ts`);
  if (name === undefined) throw new Error(`no declarations of ${module} in ${folder}`);
  return join(folder, group, name);
}

/** Leaves out `static isInstance`, `__pulumiType` and such. */
function isInstanceProperty(member: ts.PropertyDeclaration): boolean {
  const kinds = member.modifiers?.map(({ kind }) => kind) ?? [];
  return kinds.includes(ts.SyntaxKind.ReadonlyKeyword) && !kinds.includes(ts.SyntaxKind.StaticKeyword) && !kinds.includes(ts.SyntaxKind.PrivateKeyword);
}

/** @param output the same property as the resource has it afterwards, for what the cloud fills in */
function properties(declaration: ts.InterfaceDeclaration, output: (property: string) => PropertySchema | undefined, sources: Sources): Properties {
  return Object.fromEntries(declaration.members.filter(ts.isPropertySignature).map((member) => [nameOf(member), propertySchema(member, output(nameOf(member)), sources)]));
}

/** @param output undefined where the property is an output itself */
function propertySchema(member: ts.PropertySignature | ts.PropertyDeclaration, output: PropertySchema | undefined, sources: Sources): PropertySchema {
  if (member.type === undefined) throw new Error(`${nameOf(member)} has no type`);
  const { type, optional } = typeSchema(member.type, output, sources);
  const required = member.questionToken === undefined && !optional;
  const values = type.type === "string" ? allowedValues(commentOf(member)) : undefined;
  return { ...type, ...(required ? { required } : {}), ...(!required && output?.required === true ? { computed: true } : {}), ...(values === undefined ? {} : { enum: values }) };
}

/** Takes `Input<…>`, `Output<…>` and `| undefined` off, and follows the names of nested types. */
function typeSchema(node: ts.TypeNode, output: PropertySchema | undefined, sources: Sources): { type: PropertySchema; optional: boolean } {
  if (ts.isUnionTypeNode(node)) {
    const kinds = node.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
    return { type: typeSchema(kinds[0]!, output, sources).type, optional: kinds.length < node.types.length };
  }
  if (ts.isParenthesizedTypeNode(node)) return typeSchema(node.type, output, sources);
  if (ts.isArrayTypeNode(node)) return always({ type: "array", items: typeSchema(node.elementType, output?.items, sources).type });
  if (ts.isTypeLiteralNode(node)) {
    const index = node.members.find(ts.isIndexSignatureDeclaration);
    if (index !== undefined) return always({ type: "map", items: typeSchema(index.type, output?.items, sources).type });
  }
  if (node.kind === ts.SyntaxKind.StringKeyword) return always({ type: "string" });
  if (node.kind === ts.SyntaxKind.BooleanKeyword) return always({ type: "boolean" });
  if (node.kind === ts.SyntaxKind.NumberKeyword) return always({ type: "number" });
  if (ts.isTypeReferenceNode(node)) return referenceSchema(node, output, sources);
  throw new Error(`a form that is not understood: ${node.getText(node.getSourceFile())}`);
}

function referenceSchema(node: ts.TypeReferenceNode, output: PropertySchema | undefined, sources: Sources): { type: PropertySchema; optional: boolean } {
  const name = entityName(node.typeName);
  if (name === "pulumi.Input" || name === "pulumi.Output") return typeSchema(node.typeArguments![0]!, output, sources);
  const [side = "", ...rest] = name.split(".");
  const declaration = side === "inputs" || side === "outputs" ? sources[side].get(rest.join(".")) : undefined;
  if (declaration !== undefined) return always({ type: "object", properties: properties(declaration, (property) => output?.properties?.[property], sources) });
  // A resource of the package, or an enumeration of pulumi's: a string on the wire.
  return always({ type: "string" });
}

function always(type: PropertySchema): { type: PropertySchema; optional: boolean } {
  return { type, optional: false };
}

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(path, "utf8"), { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode: ts.JSDocParsingMode.ParseNone }, true);
}

function interfacesIn(file: ts.SourceFile): Interfaces {
  const found = new Map<string, ts.InterfaceDeclaration>();
  const visit = (statements: readonly ts.Statement[], prefix: string): void => {
    for (const statement of statements) {
      if (ts.isInterfaceDeclaration(statement)) found.set(prefix + statement.name.text, statement);
      else if (ts.isModuleDeclaration(statement) && statement.body !== undefined && ts.isModuleBlock(statement.body)) visit(statement.body.statements, `${prefix}${statement.name.text}.`);
    }
  };
  visit(file.statements, "");
  return found;
}

function entityName(name: ts.EntityName): string {
  return ts.isIdentifier(name) ? name.text : `${entityName(name.left)}.${name.right.text}`;
}

function nameOf(member: ts.PropertySignature | ts.PropertyDeclaration): string {
  return (member.name as ts.Identifier).text;
}

/** The comment in front of a member, as one line. */
function commentOf(member: ts.Node): string {
  const text = member.getFullText();
  return (/\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? "").replace(/\s*\n\s*\*?\s*/g, " ");
}
