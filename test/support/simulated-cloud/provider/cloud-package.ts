import type { Cloud, CloudResource, CloudSettings } from "./cloud";
import type { Value, Values } from "./property-values";
import type { PackageFacts } from "./resource-facts";
import type { ResourceSchema } from "./schema/property-schema";

/** A provider's package, as the core needs it: `gcp` is one, `docker` another. All values are plain, without marks around secrets. */
export interface CloudPackage {
  /** As in `pulumi-resource-<name>`. */
  readonly name: string;
  /** Whose declarations give names and types. */
  readonly npmPackage: string;
  readonly facts: PackageFacts;
  /** What the cloud says, where it is not for the package's own code to say it. */
  readonly refusals: {
    /** Undefined where to make it again is to find it. */
    readonly exists: (type: string, id: string) => string | undefined;
    readonly missing: (type: string, id: string) => string;
  };
  /** Reads the provider's configuration (`gcp:project` …) and environment. */
  settings(config: Readonly<Record<string, string>>): CloudSettings;
  /** What the provider refuses before it asks the cloud, beyond what the facts say. Inputs may hold unknowns. */
  check(type: string, inputs: Values, settings: CloudSettings): string[];
  /** Paths of which this change needs a new resource, though not every change does. */
  forcesReplacement(type: string, before: Values, after: Values): string[];
  /** What a diff compares. Default: the inputs of the deployment before with the new ones. */
  compared?(type: string, change: { readonly oldInputs: Values; readonly oldOutputs: Values; readonly news: Values }, schema: ResourceSchema): { readonly before: Values; readonly after: Values };
  /** Properties that the provider reads back in another form than they were given. */
  readBack?(type: string, outputs: Values): Values;
  /** Properties that the cloud gives a resource, and programs read. */
  outputs(type: string, id: string, inputs: Values, settings: CloudSettings): Values;
  /** What the cloud refuses to make or change. @throws Error with the cloud's answer */
  admit(resource: CloudResource, previous: CloudResource | undefined, cloud: Cloud): void;
  /** What the cloud refuses to delete. @throws Error with the cloud's answer */
  release(resource: CloudResource, cloud: Cloud): void;
  /** Data sources. @throws Error for one that there is not */
  invoke(token: string, args: Values, settings: CloudSettings): Record<string, Value>;
}
