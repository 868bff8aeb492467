import { clientConfig, openSession } from "../../../manager/src/postgres/connect";
import type { ReachedAt } from "../../../manager/src/secrets/secret";
import { sessionOperations } from "../../../manager/src/setup/operations";
import type { TierAccess } from "../../tier";
import { ensureAdminLogin } from "./admin-login";
import type { GoogleClients } from "../google/clients";
import { namesOf } from "../labels";
import { reachedStore, readStoredSecret, secretManagerStore } from "../secrets/secret-store";
import { managedStoreSecrets } from "../stores/secrets/managed-store-secrets";
import type { SqlLocation } from "./location";
import type { ReachOptions } from "./reach";

/** Permissions of whoever runs `up`, beside those for the resources themselves: the admin is made through the API. */
export const ADMIN_PERMISSIONS = ["cloudsql.instances.list", "cloudsql.users.list", "cloudsql.users.create", "cloudsql.users.update", "secretmanager.versions.access", "secretmanager.versions.add"] as const;

export interface SessionAccessOptions {
  readonly clients: GoogleClients;
  readonly location: SqlLocation;
  /** The address that leads to the database from here. */
  readonly reach: ReachedAt;
  readonly makeAdmin: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Settles when the address leads there. Default: it always does. */
  readonly ready?: () => Promise<void>;
}

/** The way in by sessions of this process; null where the admin is still to be made and may not be. */
export async function sessionAccess({ stack, facts }: ReachOptions, { clients, location, reach, makeAdmin, signal, ready = async () => {} }: SessionAccessOptions): Promise<TierAccess | null> {
  const endpoint = { ...location.endpoint, reach };
  if (!makeAdmin && (await readStoredSecret(clients, namesOf(stack).adminSecret, signal)) === undefined) return null;
  const admin = makeAdmin
    ? await ensureAdminLogin({ clients, stack, instance: location.instance.name, endpoint, probe: true, signal })
    : { ...(await readStoredSecret(clients, namesOf(stack).adminSecret, signal))!, reach };
  const secrets = reachedStore(secretManagerStore(clients, stack), reach);
  const open = async (database: string) => {
    await ready();
    return openSession(clientConfig({ ...admin, dbname: database }, "bulkhead"));
  };
  return {
    facts,
    identity: location.identity,
    endpoint,
    admin,
    secrets,
    serverVersion: location.instance.version,
    openSession: open,
    storeSecrets: managedStoreSecrets(clients, stack),
    stores: [],
    operations: sessionOperations({ openSession: open, secrets, endpoint, stores: [] }),
  };
}
