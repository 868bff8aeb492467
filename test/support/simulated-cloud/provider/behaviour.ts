import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { Cloud, CloudResource } from "./cloud";
import type { Values } from "./property-values";

/**
 * What happens besides the bookkeeping when a resource of a type is worked on: a Postgres is started, say. Returned outputs go over
 * the ones that the provider made up; among those of `create`, `id` is the one that the cloud gave. To throw is to refuse, with the
 * error's message as the cloud's answer.
 */
export interface Behaviour {
  create?(resource: CloudResource, cloud: Cloud): Promise<Values | void>;
  update?(resource: CloudResource, previous: CloudResource, cloud: Cloud): Promise<Values | void>;
  /** On refresh. "gone" where somebody took it away. */
  read?(resource: CloudResource, cloud: Cloud): Promise<Values | "gone" | void>;
  delete?(resource: CloudResource, cloud: Cloud): Promise<void>;
}

/** Behaviours by type token. */
export type Behaviours = Readonly<Record<string, Behaviour>>;

/** What a file in the folder of behaviours exports. */
export interface BehaviourModule {
  readonly behaviours: Behaviours;
  /** Ends what the behaviours started; a test calls it when it is done with the cloud. */
  readonly dispose?: (cloud: Cloud) => Promise<void>;
}

/** Loads every TypeScript file of the folder, in the order of names; later ones go over earlier ones of the same type. */
export function behaviourModules(folder: string | undefined): BehaviourModule[] {
  if (folder === undefined || !existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts")).sort();
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- known at run time only
  return files.map((name) => require(join(folder, name)) as Partial<BehaviourModule>).filter((module): module is BehaviourModule => module.behaviours !== undefined);
}
