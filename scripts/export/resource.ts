/** An argument that is a secret; its value is not kept. */
export class SecretValue {
  readonly is = "secret";
}

/** An argument that is made from something that is known only once the stack is up, and has no stand-in. */
export class Unknown {
  readonly is = "unknown";
}

/** An argument. Texts may hold stand-ins. */
export type Value = string | number | boolean | SecretValue | Unknown | readonly Value[] | { readonly [key: string]: Value };

/** A resource as the program declared it. */
export interface DeclaredResource {
  readonly urn: string;
  /** Pulumi's type: `gcp:compute/network:Network`. */
  readonly token: string;
  /** Terraform's address: `google_compute_network.network`. */
  readonly address: string;
  readonly inputs: Readonly<Record<string, Value>>;
  /** URNs of everything that is to be made before it. */
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  /** Paths in Pulumi's names: `settings.diskSize`. */
  readonly ignoreChanges: readonly string[];
  /** Longest times of the operations, e.g. `{ create: "90m" }`. */
  readonly timeouts: Readonly<Record<string, string>>;
}
