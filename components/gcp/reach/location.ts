import { connect } from "node:net";

import { BulkheadError, messageOf } from "../../../manager/src/errors/bulkhead-error";
import type { Endpoint, ReachedAt } from "../../../manager/src/secrets/secret";
import type { GoogleClients } from "../google/clients";
import { findInstance, serverCa } from "../google/sql-admin";
import type { SqlInstance } from "../google/sql-admin";

export const POSTGRES_PORT = 5432;
/** What the URLs of all secrets name as `sslrootcert`. A container writes the secret's `ca` there before it starts a program that takes a URL only. */
export const CLOUD_CA_PATH = "/tmp/bulkhead/ca.crt";
const TCP_TIMEOUT_MS = 5_000;

/** Where a stack's database is. */
export interface SqlLocation {
  readonly instance: SqlInstance;
  /** By the name of its certificate. */
  readonly endpoint: Endpoint;
  readonly privateAddress: string;
  /** Changes when the instance is another one. */
  readonly identity: string;
}

/**
 * Finds the stack's database; undefined before it is made.
 *
 * @throws BulkheadError `SQL_NOT_RUNNING`, `SQL_NOT_PRIVATE`, `SQL_NO_DNS_NAME`, `GCP_…`
 */
export async function locate(clients: GoogleClients, stack: string, signal?: AbortSignal): Promise<SqlLocation | undefined> {
  const { project } = clients.settings;
  const instance = await findInstance(clients, stack, signal);
  if (instance === undefined) return undefined;
  const { name, state, privateAddress, dnsName } = instance;
  if (state !== "RUNNABLE") {
    throw new BulkheadError("SQL_NOT_RUNNING", `the Cloud SQL instance ${name} is ${state}, and takes no connections`, { hint: state === "SUSPENDED" || state === "STOPPED" ? `gcloud sql instances patch ${name} --activation-policy=ALWAYS --project=${project}` : `wait until it is RUNNABLE: gcloud sql operations list --instance=${name} --project=${project}` });
  }
  if (privateAddress === undefined) throw new BulkheadError("SQL_NOT_PRIVATE", `the Cloud SQL instance ${name} has no private address`, { hint: "npm run up" });
  if (dnsName === undefined) throw new BulkheadError("SQL_NO_DNS_NAME", `the Cloud SQL instance ${name} has no DNS name, so its certificate names none and cannot be verified in full`, { hint: `its server CA mode must be GOOGLE_MANAGED_CAS_CA: gcloud sql instances describe ${name} --project=${project}` });
  return {
    instance,
    privateAddress,
    identity: `${name} ${instance.createTime}`,
    endpoint: { host: dnsName, port: POSTGRES_PORT, ca: await serverCa(clients, instance, signal), caPath: CLOUD_CA_PATH },
  };
}

/** Why an address does not take a connection; undefined when it does. */
export async function tcpProblem({ host, port }: ReachedAt, signal?: AbortSignal): Promise<string | undefined> {
  const socket = connect({ host, port, ...(signal && { signal }) });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(TCP_TIMEOUT_MS, () => reject(new Error(`no answer within ${TCP_TIMEOUT_MS / 1000} s`)));
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    return messageOf(error);
  } finally {
    socket.destroy();
  }
}
