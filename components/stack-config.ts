import { BulkheadError } from "../manager/src/errors/bulkhead-error";

/** The configuration of a stack, with defaults filled in. */
export interface StackConfig {
  /** Folder of `components/` that makes the tier. Default: `local`. */
  readonly target: string;
  /** `max_connections` of the server. Default: 500. */
  readonly maxConnections: number;
}

/** Names of the settings, as in `pulumi config set <name> <value>`. */
export const SETTINGS = ["target", "maxConnections"] as const satisfies readonly (keyof StackConfig)[];

/**
 * Reads the stack's settings from text, as Pulumi keeps them.
 *
 * @param get the value of a setting, or undefined where it is not set
 * @throws BulkheadError `CONFIG_INVALID` with every problem and the command that mends it
 */
export function parseStackConfig(get: (name: (typeof SETTINGS)[number]) => string | undefined): StackConfig {
  const problems: string[] = [];
  const target = get("target") ?? "local";
  if (!/^[a-z][a-z0-9-]*$/.test(target)) problems.push(`target is ${JSON.stringify(target)}, no name of a target: pulumi config set target local`);
  const maxConnectionsText = get("maxConnections") ?? "500";
  const maxConnections = Number(maxConnectionsText);
  // Postgres' own upper bound is 262143; a server for development with over 5000 is a slip of the finger.
  if (!/^\d+$/.test(maxConnectionsText) || maxConnections < 50 || maxConnections > 5000) {
    problems.push(`maxConnections is ${JSON.stringify(maxConnectionsText)}, no whole number from 50 to 5000: pulumi config set maxConnections 500`);
  }
  if (problems.length > 0) throw new BulkheadError("CONFIG_INVALID", `the stack's configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`, { hint: "nothing was changed" });
  return { target, maxConnections };
}
