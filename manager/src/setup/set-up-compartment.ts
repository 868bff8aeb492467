import type { TierPlan } from "../plan/plan";
import { closeSession } from "../postgres/connect";
import { recordSetup } from "../provision/books";
import type { ProvisionOptions } from "../provision/options";
import { provision } from "../provision/provision";
import type { ProvisionReport } from "../provision/provision";
import { AGREED_DATABASE } from "../provision/read-cluster";
import { migrateCompartment } from "./schema";
import type { SchemaContext } from "./schema";
import { makesDatabase } from "./summary";

/** What `setUpCompartment` works on. */
export interface SetUpOptions extends Omit<ProvisionOptions, "services">, Omit<SchemaContext, "secrets" | "progress" | "signal"> {
  readonly plan: TierPlan;
  /** Noted in the books when all went well; the next run compares it with what it finds. */
  readonly token: string;
}

/**
 * Makes one compartment as planned: roles, database and privileges, then the schema, as the service's own migrator. Every step can be run
 * again, so a run that was stopped anywhere is mended by the next one.
 */
export async function setUpCompartment(options: SetUpOptions): Promise<{ schemaVersion: number | null }> {
  const { plan, compartment, token } = options;
  const services = [compartment.service];
  tell(compartment.service, await provision(plan, { ...options, services, progress: () => {} }), options.progress);
  const { changed, version } = await migrateCompartment(options);
  // A migration may have made a schema or an object that default privileges do not reach, or run GRANTs of its own.
  if (changed) await provision(plan, { ...options, services, probe: false });
  const client = await options.openSession(AGREED_DATABASE);
  try {
    await recordSetup(client, compartment.service, token);
  } finally {
    await closeSession(client);
  }
  return { schemaVersion: version };
}

/** What was made, in a line for a new compartment; what was put right in an old one, a line each. */
function tell(service: string, { changes, credentials }: ProvisionReport, progress: (line: string) => void = () => {}): void {
  if (makesDatabase(changes)) {
    progress(`${service}: made its database, its roles and ${credentials.length} logins`);
    return;
  }
  for (const { finding } of [...changes, ...credentials]) progress(`${service}: ${finding}`);
}
