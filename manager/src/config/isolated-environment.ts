import { inspect } from "node:util";
import { BulkheadError } from "../errors/bulkhead-error";
import { CONNECTION_VARIABLES, SETTING_VARIABLES, SURROUNDING_VARIABLES } from "./variables";

/** Variables as `process.env` holds them. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface IsolatedEnvironmentOptions {
  /** The service that reads. */
  readonly service: string;
  /** Where the variables come from; copied once, never written. Default `process.env`. */
  readonly source?: Variables;
  /** What the service's own variables begin with. Default: its name in upper case, other signs as `_`, and `_`: `AUTH_` for `auth`. */
  readonly prefix?: string;
  /**
   * Variables without the prefix that it may read. Default: all that the configuration knows (`DATABASE_URL`, …), which is right for a process that runs one service.
   * For a process that runs several, use `IsolatedEnvironment.forServices`.
   */
  readonly allow?: readonly string[];
}

interface Entry {
  readonly value: string;
  /** The variable's full name. */
  readonly variable: string;
}

const CONNECTION: ReadonlySet<string> = new Set(CONNECTION_VARIABLES);
const DEFAULT_ALLOW: readonly string[] = [...CONNECTION_VARIABLES, ...SETTING_VARIABLES, ...SURROUNDING_VARIABLES];

/**
 * The environment as one service sees it: variables with its prefix (`AUTH_DATABASE_URL` is its `DATABASE_URL`), and those of an allow-list without one. A prefixed
 * variable wins. As soon as one connection variable has the prefix, the unprefixed ones are another service's and are not seen, so that a host from here never meets a
 * password from there. An empty value counts as not set.
 *
 * It is a copy made once and never changes; nothing is written to `process.env`. Printing it shows names, never values.
 */
export class IsolatedEnvironment {
  readonly service: string;
  readonly prefix: string;
  readonly #entries: ReadonlyMap<string, Entry>;

  /** @throws BulkheadError `ENVIRONMENT_PREFIX` where the prefix is not made of A-Z, 0-9 and `_` */
  constructor(options: IsolatedEnvironmentOptions, /** For `with` and `forServices`. */ internal: { readonly entries?: ReadonlyMap<string, Entry>; readonly otherPrefixes?: readonly string[] } = {}) {
    this.service = options.service;
    this.prefix = options.prefix ?? prefixOf(options.service);
    if (!/^[A-Z][A-Z0-9_]*_$/.test(this.prefix)) {
      throw new BulkheadError("ENVIRONMENT_PREFIX", `the prefix ${JSON.stringify(this.prefix)} of the service ${JSON.stringify(options.service)} is none: it must be upper-case letters, digits and "_", and end with "_"`, { hint: `pass prefix, e.g. "AUTH_"` });
    }
    this.#entries = internal.entries ?? collect(options.source ?? process.env, this.prefix, options.allow ?? DEFAULT_ALLOW, internal.otherPrefixes ?? []);
    Object.freeze(this);
  }

  /**
   * One environment for each of several services in one process. They share facts about the surroundings and settings; connection variables are read with the prefix
   * only. A variable belongs to the service with the longest prefix that fits.
   */
  static forServices<const T extends string>(services: readonly T[], source: Variables = process.env): Readonly<Record<T, IsolatedEnvironment>> {
    const allow = [...SETTING_VARIABLES, ...SURROUNDING_VARIABLES];
    const build = (service: T): IsolatedEnvironment => {
      const prefix = prefixOf(service);
      const otherPrefixes = services.map(prefixOf).filter((other) => other !== prefix && other.startsWith(prefix));
      return new IsolatedEnvironment({ service, source, allow }, { otherPrefixes });
    };
    return Object.freeze(Object.fromEntries(services.map((service) => [service, build(service)]))) as Readonly<Record<T, IsolatedEnvironment>>;
  }

  /** The value of a variable, named without the prefix; undefined where it is not set or not this service's. */
  get(name: string): string | undefined {
    return this.#entries.get(name)?.value;
  }

  /** Under which full name a variable is set, e.g. `AUTH_DATABASE_URL`; where it is not set, the name to set. */
  nameOf(name: string): string {
    return this.#entries.get(name)?.variable ?? name;
  }

  /** The variables that are set, named without the prefix, in order. */
  names(): string[] {
    return [...this.#entries.keys()].sort();
  }

  /** What is set, as a plain object. Holds secrets. */
  toVariables(): Record<string, string> {
    return Object.fromEntries([...this.#entries].map(([name, { value }]) => [name, value]));
  }

  /** The same environment with some variables set (named without the prefix) or, as undefined, unset. This one stays as it is: for tests, an overlay that cannot leak. */
  with(overlay: Variables): IsolatedEnvironment {
    const entries = new Map(this.#entries);
    for (const [name, value] of Object.entries(overlay)) {
      if (value === undefined || value === "") entries.delete(name);
      else entries.set(name, { value, variable: name });
    }
    return new IsolatedEnvironment({ service: this.service, prefix: this.prefix }, { entries });
  }

  toJSON(): { service: string; names: string[] } {
    return { service: this.service, names: this.names() };
  }

  [inspect.custom](): string {
    return `IsolatedEnvironment(${this.service}: ${this.names().join(", ")})`;
  }
}

/** `AUTH_` for `auth`, `USER_API_` for `user-api`. */
function prefixOf(service: string): string {
  return `${service.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_`;
}

function collect(source: Variables, prefix: string, allow: readonly string[], otherPrefixes: readonly string[]): ReadonlyMap<string, Entry> {
  const own = new Map<string, Entry>();
  for (const [variable, value] of Object.entries(source)) {
    if (value === undefined || value === "" || !variable.startsWith(prefix) || variable.length === prefix.length) continue;
    if (otherPrefixes.some((other) => variable.startsWith(other))) continue;
    own.set(variable.slice(prefix.length), { value, variable });
  }
  const hasOwnConnection = [...own.keys()].some((name) => CONNECTION.has(name));
  const entries = new Map(own);
  for (const name of allow) {
    const value = source[name];
    if (value === undefined || value === "" || entries.has(name) || (hasOwnConnection && CONNECTION.has(name))) continue;
    entries.set(name, { value, variable: name });
  }
  return entries;
}
