import { DatabaseUrlError } from "../database-url";

/** What a driver makes of one parameter of libpq. */
export interface ParameterRule {
  /** The driver's own name for it; values pass unchanged, except those of `values`. */
  readonly as?: string;
  /** The driver's words for libpq's; a value that is not listed cannot be expressed. */
  readonly values?: Readonly<Record<string, string>>;
  /** Values that need not be said, since the driver behaves so in any case. */
  readonly omit?: readonly string[];
}

/** The same parameter under the same name. */
export const SAME: ParameterRule = {};

/** Values of libpq's that ask for nothing, whichever the driver: what it then does is a driver's only behaviour. */
export const NOTHING_TO_SAY: Readonly<Record<string, ParameterRule>> = {
  client_encoding: { values: {}, omit: ["UTF8", "utf8", "UTF-8", "utf-8"] },
  gssencmode: { values: {}, omit: ["disable", "prefer"] },
  gssdelegation: { values: {}, omit: ["0"] },
  load_balance_hosts: { values: {}, omit: ["disable"] },
  sslcompression: { values: {}, omit: ["0"] },
  sslsni: { values: {}, omit: ["1"] },
  target_session_attrs: { values: {}, omit: ["any"] },
  tcp_user_timeout: { values: {}, omit: ["0"] },
};

/** Parameters in the driver's own words. Throws `DATABASE_URL_NOT_EXPRESSIBLE` for each that has no rule, so that nothing is dropped in silence. */
export function expressParams(driver: string, params: Readonly<Record<string, string>>, rules: Readonly<Record<string, ParameterRule>>): Record<string, string> {
  const expressed: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) throw notExpressible(driver, `the parameter "${name}"`, `remove ${name} from the URL, or set it in the options of the driver`);
    if (rule.omit?.includes(value)) continue;
    const said = rule.values === undefined ? value : Object.hasOwn(rule.values, value) ? rule.values[value] : undefined;
    if (said === undefined) {
      const known = [...Object.keys(rule.values ?? {}), ...(rule.omit ?? [])];
      throw notExpressible(driver, `this value of "${name}"`, `it can express ${known.join(", ")}`);
    }
    expressed[rule.as ?? name] = said;
  }
  return expressed;
}

/** The error for what the driver has no words for. */
export function notExpressible(driver: string, what: string, hint: string): DatabaseUrlError {
  return new DatabaseUrlError("DATABASE_URL_NOT_EXPRESSIBLE", `${driver} cannot express ${what}.`, { hint });
}
