import { addGcpSecretVersion, importModule, readGcpSecret } from "../config/secret-stores";
import type { ModuleLoader } from "../config/secret-stores";
import { BulkheadError, systemClock } from "../errors";
import { within } from "../errors/within";
import { checkedName, formatKeys, keysIn, publicOnly } from "./key-store";
import type { IdentityKeyStore } from "./key-store";
import type { IdentityKey } from "./keys";

export interface GcpKeyStoreOptions {
  /** The project that the secrets belong to. */
  readonly project: string;
  /** What the secrets' names begin with. Default `identity`: `identity-signing-backend` and `identity-public-backend`. */
  readonly prefix?: string;
  /** Loads the client library, an optional peer. Default: `import()`. */
  readonly loadModule?: ModuleLoader;
}

/** For one call of the store, the login included. Milliseconds. */
const CALL_TIMEOUT_MS = 10_000;
/** gRPC's NOT_FOUND: no such secret, or one without a version. */
const NOT_FOUND = 5;

/**
 * Keys in GCP Secret Manager, two secrets a service: `<prefix>-signing-<service>` with the private halves, for that service alone, and `<prefix>-public-<service>` without, for those whom it calls. The secrets
 * must exist; each writing adds a version, and the latest is read. Needs `@google-cloud/secret-manager`.
 *
 * Its functions reject with BulkheadError `IDENTITY_SERVICE`, `IDENTITY_KEYS_UNREADABLE`, `SECRET_SDK_MISSING`, `SECRET_UNREADABLE`, `SECRET_UNWRITABLE`, `SECRET_TIMEOUT`.
 */
export function gcpKeyStore({ project, prefix = "identity", loadModule = importModule }: GcpKeyStoreOptions): IdentityKeyStore {
  const nameOf = (service: string, half: "signing" | "public"): string => `projects/${project}/secrets/${prefix}-${half}-${checkedName(service)}`;
  const read = async (name: string): Promise<readonly IdentityKey[]> => {
    let text: string;
    try {
      text = await bounded(name, () => readGcpSecret(loadModule, { name }));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
    return keysIn(text, `the secret ${name}`, "delete the secret, create it anew, and rotate the service's identity key");
  };
  const write = (name: string, keys: readonly IdentityKey[]): Promise<void> => bounded(name, () => addGcpSecretVersion(loadModule, { name }, formatKeys(keys)));
  return {
    readSigningKeys: async (service) => read(nameOf(service, "signing")),
    readPublicKeys: async (service) => read(nameOf(service, "public")),
    async writeKeys(service, keys) {
      await write(nameOf(service, "public"), keys.map(publicOnly));
      await write(nameOf(service, "signing"), keys);
    },
  };
}

function bounded<T>(name: string, call: () => Promise<T>): Promise<T> {
  return within(systemClock, CALL_TIMEOUT_MS, call, () => new BulkheadError("SECRET_TIMEOUT", `GCP Secret Manager gave no answer on ${name} within ${CALL_TIMEOUT_MS} ms`, { hint: "check that this network reaches secretmanager.googleapis.com, and its status page" }));
}

function isNotFound(error: unknown): boolean {
  return error instanceof BulkheadError && (error.cause as { code?: unknown } | undefined)?.code === NOT_FOUND;
}
