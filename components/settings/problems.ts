import { inspect } from "node:util";

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";

/** Project's name, which stands before its own settings: `bulkhead:target`. */
export const PROJECT = "bulkhead";

/**
 * Everything that is wrong with a stack's configuration, so that a person mends it in one go. Paths are as a person writes them:
 * `maxConnections`, `sql.machineType`, `edge.domains[0]`, `gcp:region`.
 */
export class Problems {
  readonly #lines: string[] = [];
  readonly #paths: string[] = [];

  constructor(private readonly stack: string) {}

  /** A problem that setting one value mends. */
  set(path: string, what: string, value: string): void {
    this.add(path, what, setCommand(path, value, this.stack));
  }

  /** A problem that taking a setting away mends. */
  remove(path: string, what: string): void {
    this.add(path, what, `pulumi config rm ${pathArgument(path)} --stack ${this.stack}`);
  }

  /** A problem that is mended some other way: `mend` is a command or a change, as a person would type it. */
  add(path: string, what: string, mend: string): void {
    this.#paths.push(path);
    this.#lines.push(`${path} ${what}: ${mend}`);
  }

  /** True while nothing is wrong with any of these settings and what they hold: then a check that combines them makes sense. */
  clean(...paths: readonly string[]): boolean {
    return !this.#paths.some((bad) => paths.some((path) => bad === path || bad.startsWith(`${path}.`) || bad.startsWith(`${path}[`)));
  }

  /** @throws BulkheadError `CONFIG_INVALID` with all of them, if there are any */
  throwIfAny(): void {
    const { length } = this.#lines;
    if (length === 0) return;
    throw new BulkheadError("CONFIG_INVALID", `the stack's configuration has ${length === 1 ? "a problem" : `${length} problems`}:\n${this.#lines.map((line) => `  - ${line}`).join("\n")}`, { hint: "nothing was changed" });
  }
}

/** The line that sets a value. */
export function setCommand(path: string, value: string, stack: string): string {
  return `pulumi config set ${pathArgument(path)} ${/^[\w.,:/@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`} --stack ${stack}`;
}

function pathArgument(path: string): string {
  if (!/[.[]/.test(path)) return path;
  return `--path '${path.includes(":") ? path : `${PROJECT}:${path}`}'`;
}

/** A value as it stands in a message: text quoted and with control characters escaped, long ones cut. */
export function quoted(value: unknown): string {
  const shown = typeof value === "string" ? JSON.stringify(value) : inspect(value, { depth: 1, breakLength: Infinity, customInspect: false });
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}
