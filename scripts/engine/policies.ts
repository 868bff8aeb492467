import { join } from "node:path";

import type { CommandContext } from "../lib/command-context";

/** What `up` hands to the engine so that it asks the policy pack before a resource is made, as strictly as the stack's target says. */
export function policyOptions({ root, target, config }: CommandContext): { policyPacks?: string[]; policyPackConfigs?: string[] } {
  const strictness = target.policies(config);
  // The program, not the folder: for a folder the CLI needs a host for packs, which one that was built here has not. Windows starts no such program.
  if (strictness === null || process.platform === "win32") return {};
  const pack = join(root, "policy");
  return { policyPacks: [join(pack, "main.cjs")], ...(strictness === "advisory" && { policyPackConfigs: [join(pack, "advisory.json")] }) };
}
