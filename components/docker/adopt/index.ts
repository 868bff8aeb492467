import { adopt, inspectAdoption } from "../../../manager/src/adopt";
import type { AdoptionPlan, AdoptionReport, AdoptOptions } from "../../../manager/src/adopt";
import { planTier } from "../../../manager/src/plan/plan-tier";
import { scramVerifier } from "../../../manager/src/postgres/scram";
import { generatePassword } from "../../../manager/src/secrets/secret";
import { adminStatements, createTemplateStatement, templateStatements } from "../../postgres/superuser-statements";
import type { TierContext } from "../../tier";
import { dockerFacts } from "../access";
import { parseDockerConfig } from "../config";
import { removeMaintenanceContainer, withMaintenanceServer } from "./maintenance-server";
import { requireAdoptable } from "./volume";

/** What a person says of the volume. */
export interface VolumeAdoption {
  readonly volume: string;
  /** Name of its superuser. Default: the stack's setting `postgres.superuser`, else `postgres`. */
  readonly superuser?: string | undefined;
  /** By service: the newest migration whose effect is there, whatever comparing says; 0: none. */
  readonly vouched: ReadonlyMap<string, number>;
}

/** Says what adopting a volume would do. The server that has to run for that writes what a server writes by itself; nothing else is changed. */
export async function planVolumeAdoption(context: TierContext, adoption: VolumeAdoption): Promise<AdoptionPlan> {
  return withVolume(context, adoption, inspectAdoption);
}

/** Adopts a volume. @param confirm told the plan before anything is changed; throws where it is not to be done */
export async function adoptVolume(context: TierContext, adoption: VolumeAdoption, confirm: (plan: AdoptionPlan) => Promise<void>): Promise<AdoptionReport> {
  return withVolume(context, adoption, (options) => adopt(options, confirm));
}

async function withVolume<T>(context: TierContext, { volume, superuser, vouched }: VolumeAdoption, use: (options: AdoptOptions) => Promise<T>): Promise<T> {
  const catalog = context.catalog();
  const config = parseDockerConfig(context.config, catalog);
  await removeMaintenanceContainer(context);
  const { image, major } = await requireAdoptable(context, config, volume);
  const named = superuser ?? config.postgres.superuser;
  context.progress(`starting a server on volume ${volume} that only this command can get into`);
  // An adoption that was stopped half-way may have renamed it.
  const superusers: readonly [string, ...string[]] = named === "postgres" ? [named] : [named, "postgres"];
  const statements = { admin: adminStatements(await scramVerifier(generatePassword()), major), createTemplate: createTemplateStatement(), template: templateStatements() };
  return withMaintenanceServer(context, { volume, image, config, superusers }, (server) =>
    use({
      plan: planTier(catalog, { ...dockerFacts(context.config, catalog), postgresMajor: major }),
      catalog,
      root: context.root,
      openSession: server.openSession,
      superuser: server.superuser,
      statements,
      vouched,
      progress: context.progress,
      ...(context.signal && { signal: context.signal }),
    }),
  );
}
