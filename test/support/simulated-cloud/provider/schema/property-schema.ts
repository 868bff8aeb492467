/** Type of a property, as the npm package's declarations give it. */
export interface PropertySchema {
  readonly type: "string" | "boolean" | "number" | "array" | "map" | "object";
  /** Of an array's elements or a map's values. */
  readonly items?: PropertySchema;
  /** Of an object. */
  readonly properties?: Properties;
  readonly required?: boolean;
  /** The cloud gives it a value where the program gives none: unknown in a preview. */
  readonly computed?: boolean;
  /** The only values that the declaration's comment allows. */
  readonly enum?: readonly string[];
}

/** Properties by name. */
export type Properties = Readonly<Record<string, PropertySchema>>;

/** What the declarations say of a resource type. */
export interface ResourceSchema {
  readonly inputs: Properties;
  readonly outputs: Properties;
}

/** Schemas by type token. */
export type PackageSchema = Readonly<Record<string, ResourceSchema>>;
