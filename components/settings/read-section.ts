import { parseJson } from "./kinds";
import type { Kind } from "./kinds";
import { quoted } from "./problems";
import type { Problems } from "./problems";

/** One setting: what it may be, what it is when nobody sets it, and what it means. The parser, the messages and the documentation are made from this. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  /** Undefined: it must be set, or another setting decides. */
  readonly default?: T;
  /** May be left out without having a default. */
  readonly optional?: true;
  /** Value for the command that mends it, as a person would type it. */
  readonly example: string;
  /** One or two sentences: what it does, and what it costs or breaks. */
  readonly about: string;
}

/** Settings that stand together in a map, by key; maps within are sections too. */
export interface Section {
  readonly [key: string]: Setting<unknown> | Section;
}

/** What is read from a section. */
export type ValuesOf<S extends Section> = {
  readonly [K in keyof S]: S[K] extends { readonly kind: Kind<infer T> } ? (S[K] extends { readonly optional: true } ? T | undefined : T) : S[K] extends Section ? ValuesOf<S[K]> : never;
};

export function isSetting(entry: Setting<unknown> | Section): entry is Setting<unknown> {
  return "kind" in entry && "about" in entry;
}

/**
 * The values of a section with defaults filled in. Every problem is noted; the value of a bad setting is then its default or example, and
 * must not be relied on (`problems.clean`).
 *
 * @param raw a map, its JSON text (as the program gets it from Pulumi), or undefined for all defaults
 * @param readElsewhere keys that are none of the section's, but not unknown either
 */
export function readSection<S extends Section>(section: S, path: string, raw: unknown, problems: Problems, readElsewhere: readonly string[] = []): ValuesOf<S> {
  const map = mapOf(raw, path, problems);
  const known = [...Object.keys(section), ...readElsewhere];
  for (const key of Object.keys(map)) if (!known.includes(key)) problems.remove(`${path}.${key}`, `is no setting; ${path} has ${known.join(", ")}`);
  return Object.fromEntries(
    Object.entries(section).map(([key, entry]) => {
      const value = Object.hasOwn(map, key) ? map[key] : undefined;
      return [key, isSetting(entry) ? readSetting(entry, `${path}.${key}`, value, problems) : readSection(entry, `${path}.${key}`, value, problems)];
    }),
  ) as ValuesOf<S>;
}

/** One setting by itself; the same rules. */
export function readSetting<T>(setting: Setting<T>, path: string, value: unknown, problems: Problems): T | undefined {
  const { kind, example } = setting;
  if (value === undefined || value === null) {
    if (setting.default !== undefined || setting.optional) return setting.default;
    problems.set(path, `is not set; it must be a ${kind.description}`, example);
  } else {
    const parsed = kind.parse(value);
    if (parsed !== undefined) return parsed;
    problems.set(path, `is ${quoted(value)}, no ${kind.description}`, example);
  }
  return setting.default ?? kind.parse(example);
}

/** A map as it stands in the stack's file, or from its JSON text; empty, with a problem noted, for anything else. */
export function mapOf(raw: unknown, path: string, problems: Problems): Readonly<Record<string, unknown>> {
  const value = typeof raw === "string" ? parseJson(raw) : raw;
  if (value === undefined && raw === undefined) return {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  problems.remove(path, `is ${quoted(raw)}, no map of settings`);
  return {};
}
