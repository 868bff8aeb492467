import type { ConfigProblem } from "./config-error";
import { shownValue } from "./config-error";
import type { IsolatedEnvironment } from "./isolated-environment";
import { parseBoolean, parseWholeNumber } from "./variables";
import type { ConfigVariable, WholeNumberVariable } from "./variables";

/** One value of the configuration and where it came from; redacted. */
export interface ExplainedSetting {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

/** Reads one service's variables, and keeps account: of every problem, and of where every value came from. */
export class Settings {
  readonly problems: ConfigProblem[] = [];
  readonly explained: ExplainedSetting[] = [];

  constructor(readonly environment: IsolatedEnvironment) {}

  /** The text of a variable, without spaces around it; undefined where it is not set. */
  text(name: ConfigVariable): string | undefined {
    const value = this.environment.get(name)?.trim();
    return value === "" ? undefined : value;
  }

  /** A whole number, or its default; what is none becomes a problem. */
  wholeNumber(setting: string, variable: WholeNumberVariable): { readonly value: number; readonly isDefault: boolean } {
    const { name, fallback, min, max } = variable;
    const text = this.text(name);
    if (text === undefined) return { value: this.note(setting, fallback, "default"), isDefault: true };
    const value = parseWholeNumber(text, variable);
    if (value === undefined) this.problem(name, `is no whole number from ${min} to ${max}`, `set it to e.g. ${fallback}, or unset it for that default`);
    return { value: this.note(setting, value ?? fallback, name), isDefault: false };
  }

  /** A switch, or its default; what is none becomes a problem. */
  boolean(setting: string, name: ConfigVariable, fallback: boolean): boolean {
    const text = this.text(name);
    if (text === undefined) return this.note(setting, fallback, "default");
    const value = parseBoolean(text);
    if (value === undefined) this.problem(name, "is neither true nor false", `set it to true or false, or unset it for the default ${fallback}`);
    return this.note(setting, value ?? fallback, name);
  }

  /** Adds a problem of one variable. */
  problem(name: ConfigVariable, problem: string, fix: string): void {
    const value = this.environment.get(name);
    this.problems.push({ variable: this.environment.nameOf(name), value: value === undefined ? undefined : shownValue(name, value), problem, fix });
  }

  /** Remembers where a value came from (a variable, or words), and returns it. A later note of the same setting replaces the earlier. */
  note<T extends string | number | boolean>(setting: string, value: T, origin: string): T {
    const known = this.explained.findIndex(({ name }) => name === setting);
    const line = { name: setting, value: String(value), origin: this.environment.get(origin) === undefined ? origin : this.environment.nameOf(origin) };
    if (known === -1) this.explained.push(line);
    else this.explained[known] = line;
    return value;
  }
}
