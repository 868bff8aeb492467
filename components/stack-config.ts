import { text } from "./settings/kinds";
import { PROJECT, Problems } from "./settings/problems";
import { readSetting } from "./settings/read-section";
import type { Setting } from "./settings/read-section";

/** The configuration of a stack, before its target has read its own part of it. */
export interface StackConfig {
  /** Stack, e.g. `prod`: for the commands in messages. */
  readonly stack: string;
  /** Folder of `components/` that makes the tier. Default: `local`. */
  readonly target: string;
  /**
   * Everything that is set, by full name, e.g. `bulkhead:sql` and `gcp:region`. Values are as the stack's file has them, or their text: the
   * program gets numbers as digits and maps as JSON. May hold secrets that are meant for a provider; it is not to be printed.
   */
  readonly settings: Readonly<Record<string, unknown>>;
}

const TARGET: Setting<string> = { kind: text("name of a target", /^[a-z][a-z0-9-]*$/), default: "local", example: "local", about: "Where the tier lives; one folder of components/ each." };

/**
 * Finds the target in a stack's settings; the rest is the target's to read.
 *
 * @throws BulkheadError `CONFIG_INVALID` with the command that mends it
 */
export function parseStackConfig(stack: string, settings: Readonly<Record<string, unknown>>): StackConfig {
  const problems = new Problems(stack);
  const target = readSetting(TARGET, "target", settings[`${PROJECT}:target`], problems)!;
  problems.throwIfAny();
  return { stack, target, settings };
}

/** The project's own settings without the project's name before them, and without `target`, which has been read. */
export function ownSettings({ settings }: StackConfig): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (name.startsWith(`${PROJECT}:`) && name !== `${PROJECT}:target` ? [[name.slice(PROJECT.length + 1), value]] : [])));
}
