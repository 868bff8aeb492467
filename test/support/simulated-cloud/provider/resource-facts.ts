/**
 * What a resource type is beyond names and types. Paths are property names with dots between, `[]` after a list's name:
 * `template.containers[].image`.
 */
export interface ResourceFacts {
  /** Form of the id, with inputs in braces: `projects/{project}/global/networks/{name}`. `{secret:last}` takes the part after the last slash. */
  readonly id: string;
  /** Longest `name` that there may be, where the provider makes one up when the program gives none. */
  readonly autonameMax?: number;
  /** Paths, with spaces between, that cannot be changed in place; nor what lies below them. */
  readonly immutable: string;
  /** Paths below an immutable one that can. */
  readonly mutable?: string;
  /** The only values, where the declarations do not say so, or say it wrong. */
  readonly enums?: Readonly<Record<string, readonly string[]>>;
  readonly patterns?: Readonly<Record<string, RegExp>>;
  /** Smallest and largest number. */
  readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
  /** Shortest and longest text. */
  readonly lengths?: Readonly<Record<string, readonly [number, number]>>;
  /** Fewest and most items of a list. */
  readonly items?: Readonly<Record<string, readonly [number, number]>>;
  /** Paths, with spaces between, of numbers that need not be whole. */
  readonly fractions?: string;
  /** Groups of paths of which at most one may be given. The paths of a group have all but the last name in common. */
  readonly conflicts?: readonly string[];
  /** Groups of which one must be given, and no more. */
  readonly exactlyOne?: readonly string[];
  /** Groups of which at least one must be given. */
  readonly atLeastOne?: readonly string[];
  /** Groups of which all must be given or none. */
  readonly together?: readonly string[];
  /** What the provider puts where the program gives nothing. */
  readonly defaults?: Readonly<Record<string, boolean | number | string>>;
  /** Outputs, with spaces between, that the provider marks secret whatever the program did. */
  readonly secrets?: string;
  /** Paths of inputs that name another resource of these types; it has to be there. */
  readonly references?: Readonly<Record<string, string>>;
}

/** Facts by type token. */
export type PackageFacts = Readonly<Record<string, ResourceFacts>>;

/** Whether a path is one of these or lies below one. Indices do not count: `ports[2].name` lies below `ports[]` and `ports`. */
export function isCoveredBy(path: string, paths: string | undefined): boolean {
  const plain = withoutIndices(path);
  return (paths ?? "").split(" ").some((each) => each !== "" && (plain === withoutIndices(each) || plain.startsWith(`${withoutIndices(each)}.`)));
}

function withoutIndices(path: string): string {
  return path.replace(/\[[^\]]*\]/g, "");
}
