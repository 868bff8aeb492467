import { prune as pruneCompartment } from "../../manager/src/provision/prune";
import { openTier } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { confirmByName } from "../lib/confirm";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";

/** Removes the database, roles and secrets of a service that has left the catalog. */
export async function prune(context: CommandContext, { yes = false }: { yes?: boolean }, service: string): Promise<ExitCode> {
  const { access, plan } = await openTier(context);
  await confirmByName({ what: `prune of service ${service}`, name: service, yes, signal: context.signal });
  const { database, roles } = await pruneCompartment(plan, service, { ...access, progress: context.progress });
  context.output.result({ version: 1, stack: context.stack, ok: true, service, database, roles }, `Removed ${service}: ${database === null ? "" : `database ${database}, `}${roles.length} roles, its secrets.`);
  return EXIT.done;
}
