import { existsSync } from "node:fs";

import { openStack, runEngine } from "../engine/engine";
import { requireStateBackend, stateFile } from "../engine/environment";
import { requireUnprotected } from "../engine/require-unprotected";
import type { CommandContext } from "../lib/command-context";
import { confirmByName } from "../lib/confirm";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { withStackLock } from "../lib/stack-lock";
import { PROJECT } from "../../components/settings/problems";

/** Stops what runs on this machine and keeps the data; with `destroy`, removes stack, data and secrets for good. */
export async function down(context: CommandContext, { destroy = false, yes = false }: { destroy?: boolean; yes?: boolean }): Promise<ExitCode> {
  const { stack, config, signal, output, target } = context;
  if (destroy) {
    requireStateBackend(stack, target, process.env);
    target.requireDestroyable(config);
    await confirmByName({ what: `down --destroy of stack ${stack}`, name: stack, yes, signal });
  }
  const text = await withStackLock(context, `bulkhead down of stack ${stack}`, async () => {
    if (!destroy) return (await target.stop(context)) ? `Stopped. The data are kept; npm run up starts the server again.` : "Nothing was running. The data are kept.";
    await destroyStack(context);
    await target.remove(context);
    return `Stack ${stack} is gone: its state, data, logs and secrets.`;
  });
  output.result({ version: 1, stack, target: config.target, ok: true, destroyed: destroy }, text);
  return EXIT.done;
}

/** Removes the stack from the engine's state; its file of settings stays. */
async function destroyStack(context: CommandContext): Promise<void> {
  const { root, stack } = context;
  // Where the state is in the checkout, a look saves starting the engine for nothing.
  if (!process.env["PULUMI_BACKEND_URL"] && !existsSync(stateFile(root, PROJECT, stack))) return;
  const engine = await openStack(context);
  requireUnprotected(stack, await engine.exportStack());
  await runEngine(context, "down --destroy", (options) => engine.destroy(options));
  await engine.workspace.removeStack(stack, { preserveConfig: true });
}
