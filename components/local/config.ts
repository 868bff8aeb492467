import { wholeNumber } from "../settings/kinds";
import { Problems } from "../settings/problems";
import { readSetting } from "../settings/read-section";
import type { Setting } from "../settings/read-section";
import { ownSettings } from "../stack-config";
import type { StackConfig } from "../stack-config";

/** Configuration of a `local` stack. */
export interface LocalConfig {
  /** `max_connections` of the server. Default: 500. */
  readonly maxConnections: number;
}

// Postgres' own upper bound is 262143; a server for development with over 5000 is a slip of the finger.
const MAX_CONNECTIONS: Setting<number> = { kind: wholeNumber(50, 5000), default: 500, example: "500", about: "max_connections of the server, which the compartments share." };

/** @throws BulkheadError `CONFIG_INVALID` with every problem and the command that mends it */
export function parseLocalConfig(config: StackConfig): LocalConfig {
  const problems = new Problems(config.stack);
  const settings = ownSettings(config);
  for (const name of Object.keys(settings)) if (name !== "maxConnections") problems.remove(name, "is no setting of a local stack; it has target, maxConnections");
  const maxConnections = readSetting(MAX_CONNECTIONS, "maxConnections", settings["maxConnections"], problems)!;
  problems.throwIfAny();
  return { maxConnections };
}
