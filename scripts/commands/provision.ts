import { provision as provisionTier } from "../../manager/src/provision/provision";
import { openTier } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { requireCompartment } from "../lib/login";

/** Heals what differs inside the database, without the engine: roles, databases, privileges, secrets. Schemas are `migrate up`'s. With a service: that one alone. */
export async function provision(context: CommandContext, _options: object, service?: string): Promise<ExitCode> {
  if (service !== undefined) requireCompartment(service);
  const { stack, config, signal, progress, output } = context;
  const { access, plan } = await openTier(context);
  const { changes, credentials, manual, durationMs } = await provisionTier(plan, { ...access, signal, progress, ...(service !== undefined && { services: [service] }) });
  const healed = [...changes, ...credentials].map(({ service, finding }) => ({ service, finding }));
  const unhealed = manual.map(({ service, finding, statements }) => ({ service, finding, statements: statements.map(({ sql }) => sql) }));
  output.result(
    { version: 1, stack, target: config.target, ok: unhealed.length === 0, healed, unhealed, durationMs: Math.round(durationMs) },
    [
      ...healed.map(({ service, finding }) => `healed ${service}: ${finding}`),
      ...unhealed.map(({ service, finding, statements }) => `needs a superuser, ${service}: ${finding}: ${statements.join("; ")}`),
      healed.length + unhealed.length === 0 ? "Nothing to heal: every compartment is as declared." : `${healed.length} healed, ${unhealed.length} left.`,
    ].join("\n"),
  );
  return unhealed.length === 0 ? EXIT.done : EXIT.checkFellShort;
}
