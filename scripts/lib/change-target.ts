import { loadTarget } from "../../components/targets";
import type { Target } from "../../components/tier";
import type { CommandContext } from "./command-context";
import { writeStackSetting } from "./stack-file";
import { withStackLock } from "./stack-lock";
import { UsageError } from "./usage-error";

/**
 * Makes a stack one of another target, for `up --target`: stops what runs of the old one and writes the stack's file. Data and secrets of both stay, each in a
 * place of its own, so the way back is open. Only between targets that live on this machine.
 *
 * @throws UsageError `TARGET_DIFFERS`, BulkheadError `TARGET_UNKNOWN`, `CONFIG_INVALID`, `LOCK_HELD`
 */
export async function changeTarget(context: CommandContext, wanted: string, verb: string): Promise<void> {
  const { stack, root, config, progress, target } = context;
  const next = loadTarget(wanted);
  if (verb !== "up") throw new UsageError("TARGET_DIFFERS", `stack ${stack} is on target ${config.target}, not ${wanted}; nothing was done`, { hint: `leave --target out; npx bulkhead up --stack ${stack} --target ${wanted} changes the stack` });
  if (!isOnThisMachine(target) || !isOnThisMachine(next)) throw new UsageError("TARGET_DIFFERS", `stack ${stack} is on target ${config.target}, which is not exchanged for ${wanted}: one of them lives in a cloud`, { hint: `make a stack of its own: write Pulumi.<name>.yaml with bulkhead:target: ${wanted}, and name it with --stack` });
  // Told before anything is stopped or written: settings of the one target may be none of the other's.
  next.facts({ ...config, target: wanted }, context.catalog());
  // Nor under a command that is at work on the stack.
  await withStackLock(context, `changing the target of stack ${stack}`, async () => {
    progress(`changing stack ${stack} from target ${config.target} to ${wanted}, in Pulumi.${stack}.yaml; the data of ${config.target} are kept`);
    if (await target.stop(context)) progress(`stopped what ran of ${config.target}`);
    writeStackSetting(root, stack, ["target"], wanted);
  });
}

/** State in the checkout means that nothing of the target is anywhere else. */
function isOnThisMachine({ stateBackend }: Target): boolean {
  return stateBackend === null;
}
