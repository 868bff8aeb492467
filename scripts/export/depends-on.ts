import type { References } from "./references";
import { isList, isObject } from "./terraform-body";
import type { DeclaredResource, Value } from "./resource";

/** What a resource waits for. */
export interface Edges {
  /** Addresses of the resources that its arguments are made from. */
  readonly references: ReadonlySet<string>;
  /** Addresses to be named in `depends_on`: all others that it waits for, without those that another of them waits for anyway. */
  readonly dependsOn: readonly string[];
}

/** By address. The engine lists every resource that must come first; most of that follows from the references. */
export function edgesOf(resources: readonly DeclaredResource[], references: References): ReadonlyMap<string, Edges> {
  const addressOf = new Map(resources.map(({ urn, address }) => [urn, address]));
  const direct = new Map(
    resources.map((resource) => {
      const made = new Set([...texts(resource.inputs)].flatMap((text) => references.pieces(text)).flatMap((piece) => (typeof piece === "string" ? [] : [piece.address])));
      const first = new Set(resource.dependencies.flatMap((urn) => addressOf.get(urn) ?? []));
      return [resource.address, { made, all: new Set([...made, ...first]) }];
    }),
  );
  const before = new Map<string, ReadonlySet<string>>();
  const ancestors = (address: string): ReadonlySet<string> => {
    const found = before.get(address);
    if (found !== undefined) return found;
    const all = new Set([...(direct.get(address)?.all ?? [])].flatMap((parent) => [parent, ...ancestors(parent)]));
    before.set(address, all);
    return all;
  };
  return new Map(
    [...direct].map(([address, { made, all }]) => {
      const follows = new Set([...all].flatMap((parent) => [...ancestors(parent)]));
      return [address, { references: made, dependsOn: [...all].filter((parent) => !made.has(parent) && !follows.has(parent)).sort() }];
    }),
  );
}

/** Every text inside of a resource's arguments. */
function* texts(value: Value): Generator<string> {
  if (typeof value === "string") yield value;
  else if (isList(value)) for (const entry of value) yield* texts(entry);
  else if (isObject(value)) for (const entry of Object.values(value)) yield* texts(entry);
}
