import { BulkheadError } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { redactUrl } from "../url";
import { SECRET_VARIABLES } from "./variables";

/** One thing that is wrong with the configuration. Holds no secret. */
export interface ConfigProblem {
  /** The variable's full name, e.g. `AUTH_DATABASE_URL`. */
  readonly variable: string;
  /** Its value, redacted and cut; undefined where it is not set. */
  readonly value: string | undefined;
  /** What is wrong. */
  readonly problem: string;
  /** How to mend it. */
  readonly fix: string;
}

/** A service cannot start with this configuration: `problems` lists everything that is wrong with it. */
export class ConfigError extends BulkheadError {
  readonly problems: readonly ConfigProblem[];

  constructor(service: string, problems: readonly ConfigProblem[], options: { readonly cause?: unknown } = {}) {
    const lines = problems.map(({ variable, value, problem, fix }) => `  - ${variable}${value === undefined ? "" : ` (${value})`}: ${problem}. Fix: ${fix}`);
    super("CONFIG_INVALID", `the configuration of ${service} has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${lines.join("\n")}`, {
      hint: "mend what is listed and start the service again; explain() of its ConfigManager shows where every value came from",
      ...options,
    });
    this.problems = Object.freeze([...problems]);
  }
}

const VALUE_CHARS_MAX = 120;

/** A variable's value as it may be shown. `name` is the one without the service's prefix. */
export function shownValue(name: string, value: string): string {
  if (SECRET_VARIABLES.has(name)) return "****";
  const clean = name.endsWith("_URL") ? redactUrl(value) : redact(JSON.stringify(value));
  return clean.length > VALUE_CHARS_MAX ? `${clean.slice(0, VALUE_CHARS_MAX)}…` : clean;
}
