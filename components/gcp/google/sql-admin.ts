import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { GoogleClients } from "./clients";
import { readFailure } from "./failures";
import { pause } from "./pause";

/** A user is made in seconds; an instance that is busy with a backup or a restart makes it wait. Unit: milliseconds. */
const OPERATION_TIMEOUT_MS = 5 * 60_000;
const POLL_INTERVAL_MS = 1_000;
const PERMISSION = "roles/cloudsql.admin, or cloudsql.instances.list and .get with cloudsql.users.list, .create and .update";

/** What the Cloud SQL Admin API says of an instance (`sql/v1beta4`), as far as it is used. */
interface RawInstance {
  readonly name: string;
  readonly state?: string;
  readonly createTime?: string;
  readonly databaseVersion?: string;
  readonly databaseInstalledVersion?: string;
  readonly instanceType?: string;
  readonly connectionName?: string;
  readonly dnsName?: string;
  readonly dnsNames?: readonly { readonly name: string; readonly connectionType?: string; readonly dnsScope?: string }[];
  readonly ipAddresses?: readonly { readonly type: string; readonly ipAddress: string }[];
  readonly serverCaCert?: { readonly cert?: string };
  readonly settings?: { readonly userLabels?: Readonly<Record<string, string>>; readonly databaseFlags?: readonly { readonly name: string; readonly value: string }[]; readonly ipConfiguration?: { readonly serverCaMode?: string } };
}

/** A Cloud SQL instance. */
export interface SqlInstance {
  readonly name: string;
  /** `RUNNABLE` when it takes connections. */
  readonly state: string;
  readonly createTime: string;
  /** e.g. `17.5`, or the major version where no more is known. */
  readonly version: string;
  readonly privateAddress: string | undefined;
  /** The name that its certificate is for, where it has one. */
  readonly dnsName: string | undefined;
  readonly flags: Readonly<Record<string, string>>;
  /** The authority of a per-instance certificate; undefined with a CA of Google's, see `serverCa`. */
  readonly ownCa: string | undefined;
}

/**
 * The stack's primary instance, found by its label; undefined before it is made. Replicas carry the label too and are passed over.
 *
 * @throws BulkheadError `SQL_INSTANCE_AMBIGUOUS`, `GCP_…`
 */
export async function findInstance(clients: GoogleClients, stack: string, signal?: AbortSignal): Promise<SqlInstance | undefined> {
  const { project } = clients.settings;
  const found: RawInstance[] = [];
  let pageToken: string | undefined;
  do {
    const page: { items?: RawInstance[]; nextPageToken?: string } = await clients.rest("sql", { path: `projects/${project}/instances`, query: { filter: `settings.userLabels.bulkhead-stack:${stack}`, ...(pageToken !== undefined && { pageToken }) } }, { what: `looking for the Cloud SQL instance of stack ${stack}`, permission: PERMISSION, signal });
    found.push(...(page.items ?? []).filter(({ settings, instanceType }) => settings?.userLabels?.["bulkhead-stack"] === stack && instanceType !== "READ_REPLICA_INSTANCE"));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  if (found.length > 1) {
    throw new BulkheadError("SQL_INSTANCE_AMBIGUOUS", `project ${project} has ${found.length} Cloud SQL instances with the label bulkhead-stack=${stack}: ${found.map(({ name }) => name).join(", ")}`, { hint: `take the label from those that are not the stack's: gcloud sql instances patch <name> --remove-labels=bulkhead-stack --project=${project}` });
  }
  return found[0] && instanceOf(found[0]);
}

function instanceOf({ name, state, createTime, databaseVersion, databaseInstalledVersion, dnsName, dnsNames, ipAddresses, serverCaCert, settings }: RawInstance): SqlInstance {
  const installed = /(\d+)(?:_(\d+))?$/.exec(databaseInstalledVersion ?? databaseVersion ?? "");
  // Of several names the one for private services access is meant; one for Private Service Connect resolves elsewhere.
  const listed = dnsNames?.find(({ connectionType }) => connectionType === "PRIVATE_SERVICES_ACCESS") ?? dnsNames?.[0];
  return {
    name,
    state: state ?? "UNKNOWN",
    createTime: createTime ?? "",
    version: installed === null ? "unknown" : [installed[1], installed[2]].filter((part) => part !== undefined).join("."),
    privateAddress: ipAddresses?.find(({ type }) => type === "PRIVATE")?.ipAddress,
    dnsName: (listed?.name ?? dnsName)?.replace(/\.$/, ""),
    flags: Object.fromEntries((settings?.databaseFlags ?? []).map((flag) => [flag.name, flag.value])),
    ownCa: settings?.ipConfiguration?.serverCaMode === undefined || settings.ipConfiguration.serverCaMode === "GOOGLE_MANAGED_INTERNAL_CA" ? serverCaCert?.cert : undefined,
  };
}

/** The authorities that an instance's certificate may be from, as PEM text: with a CA of Google's there is an old and a new one while it is changed. */
export async function serverCa(clients: GoogleClients, { name, ownCa }: SqlInstance, signal?: AbortSignal): Promise<string> {
  if (ownCa !== undefined) return whole(ownCa);
  const { caCerts, certs } = await clients.rest<{ caCerts?: readonly { readonly cert?: string }[]; certs?: readonly { readonly cert?: string }[] }>(
    "sql",
    { path: `projects/${clients.settings.project}/instances/${name}/listServerCertificates` },
    { what: `reading the authorities of ${name}'s certificate`, permission: PERMISSION, signal },
  );
  const texts = [...new Set((caCerts ?? certs ?? []).flatMap(({ cert }) => (cert === undefined ? [] : [whole(cert)])))];
  if (texts.length === 0) throw new BulkheadError("SQL_CA_MISSING", `Cloud SQL names no authority for the certificate of ${name}`, { hint: `gcloud sql ssl server-certs list --instance=${name} --project=${clients.settings.project}` });
  return texts.join("");
}

function whole(pem: string): string {
  return `${pem.trim()}\n`;
}

/** Names of the built-in users that the API knows; those made in SQL are in the list too. */
export async function listUsers(clients: GoogleClients, instance: string, signal?: AbortSignal): Promise<string[]> {
  const { items } = await clients.rest<{ items?: readonly { readonly name: string }[] }>("sql", { path: `projects/${clients.settings.project}/instances/${instance}/users` }, { what: `listing the users of ${instance}`, permission: PERMISSION, signal });
  return (items ?? []).map(({ name }) => name);
}

/**
 * Sees to it that a built-in user exists with this password. Two at once end with the password of one of them.
 *
 * @throws BulkheadError `SQL_OPERATION_FAILED`, `SQL_OPERATION_TIMEOUT`, `GCP_…`
 */
export async function setUser(clients: GoogleClients, instance: string, { name, password }: { readonly name: string; readonly password: string }, signal?: AbortSignal): Promise<void> {
  const path = `projects/${clients.settings.project}/instances/${instance}/users`;
  const what = `setting the password of ${name} on ${instance}`;
  const options = { what, permission: PERMISSION, signal };
  const deadline = performance.now() + OPERATION_TIMEOUT_MS;
  for (;;) {
    const exists = (await listUsers(clients, instance, signal)).includes(name);
    try {
      const operation = exists
        ? await clients.rest<Operation>("sql", { method: "PUT", path, query: { name }, body: { name, password } }, options)
        : await clients.rest<Operation>("sql", { method: "POST", path, body: { name, password } }, options);
      await operationDone(clients, operation, what, deadline, signal);
      return;
    } catch (error) {
      // Somebody else made it in between, or the instance does one thing at a time and is at another.
      const cause = (error as { cause?: unknown }).cause;
      const { status } = readFailure(cause);
      if ((status !== "ALREADY_EXISTS" && status !== "ABORTED") || performance.now() > deadline) throw error;
      await pause(POLL_INTERVAL_MS * (0.5 + Math.random()), signal);
    }
  }
}

interface Operation {
  readonly name: string;
  readonly status: string;
  readonly error?: { readonly errors?: readonly { readonly code?: string; readonly message?: string }[] };
}

async function operationDone(clients: GoogleClients, first: Operation, what: string, deadline: number, signal: AbortSignal | undefined): Promise<void> {
  let operation = first;
  while (operation.status !== "DONE") {
    if (performance.now() > deadline) throw new BulkheadError("SQL_OPERATION_TIMEOUT", `${what} did not end within ${OPERATION_TIMEOUT_MS / 60_000} minutes`, { hint: `gcloud sql operations describe ${operation.name} --project=${clients.settings.project}` });
    await pause(POLL_INTERVAL_MS, signal);
    operation = await clients.rest("sql", { path: `projects/${clients.settings.project}/operations/${operation.name}` }, { what, permission: PERMISSION, signal });
  }
  const problems = operation.error?.errors ?? [];
  if (problems.length > 0) throw new BulkheadError("SQL_OPERATION_FAILED", `${what} failed: ${problems.map(({ code, message }) => message ?? code ?? "unknown").join("; ")}`, { hint: `gcloud sql operations describe ${operation.name} --project=${clients.settings.project}` });
}
