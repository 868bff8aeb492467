/** What the value of a setting may be. */
export interface Kind<T> {
  /** As it stands behind "no" in a message and in the documentation, e.g. `whole number from 1 to 10`. */
  readonly description: string;
  /** The value, or undefined for what is none. Takes text as well: without `--path`, `pulumi config set` keeps everything as text. */
  readonly parse: (value: unknown) => T | undefined;
}

export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    description: `whole number from ${min} to ${max}`,
    // Postgres and Google read no `1e3`, `0x10` or ` 5 `, so nobody should get used to them here.
    parse: (value) => within(typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value, min, max, Number.isInteger),
  };
}

export function decimalNumber(min: number, max: number): Kind<number> {
  return {
    description: `number from ${min} to ${max}`,
    parse: (value) => within(typeof value === "string" && /^\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value, min, max, Number.isFinite),
  };
}

function within(value: unknown, min: number, max: number, accepts: (value: number) => boolean): number | undefined {
  return typeof value === "number" && accepts(value) && value >= min && value <= max ? value : undefined;
}

export const flag: Kind<boolean> = {
  description: "true or false",
  parse: (value) => (value === true || value === "true" ? true : value === false || value === "false" ? false : undefined),
};

export function oneOf<const T extends string | number>(...choices: readonly T[]): Kind<T> {
  return {
    description: choices.length === 1 ? String(choices[0]) : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)!}`,
    parse: (value) => choices.find((choice) => choice === value || String(choice) === value),
  };
}

/** @param accepts a pattern that the whole text matches, or a test of it */
export function text(description: string, accepts: RegExp | ((text: string) => boolean)): Kind<string> {
  const test = typeof accepts === "function" ? accepts : (value: string) => accepts.test(value);
  return { description, parse: (value) => (typeof value === "string" && test(value) ? value : undefined) };
}

export function listOf<T>(kind: Kind<T>, max: number): Kind<readonly T[]> {
  return { description: `list of up to ${max}, each a ${kind.description}`, parse: (value) => items(value, kind, 0, max) };
}

export function nonEmptyListOf<T>(kind: Kind<T>, max: number): Kind<readonly [T, ...T[]]> {
  return { description: `list of 1 to ${max}, each a ${kind.description}`, parse: (value) => items(value, kind, 1, max) as readonly [T, ...T[]] | undefined };
}

export function pairOf<T>(kind: Kind<T>): Kind<readonly [T, T]> {
  return { description: `list of 2, each a ${kind.description}`, parse: (value) => items(value, kind, 2, 2) as readonly [T, T] | undefined };
}

function items<T>(value: unknown, kind: Kind<T>, min: number, max: number): readonly T[] | undefined {
  // `pulumi config set --path` keeps a list that it is given as its JSON text.
  const list = typeof value === "string" && value.startsWith("[") ? parseJson(value) : value;
  if (!Array.isArray(list) || list.length < min || list.length > max) return undefined;
  const parsed = list.map((item) => kind.parse(item));
  return parsed.some((item) => item === undefined) ? undefined : (parsed as T[]);
}

/** The value that a JSON text stands for; undefined for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
