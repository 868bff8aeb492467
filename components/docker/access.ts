import { readFile } from "node:fs/promises";

import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import type { Catalog } from "../../manager/src/catalog/catalog";
import type { TierFacts } from "../../manager/src/plan/plan";
import { DEFAULT_POSTGRES_MAJOR } from "../../manager/src/plan/postgres-major";
import { clientConfig, openSession, withSession } from "../../manager/src/postgres/connect";
import { fileSecretStore, fileStoreSecrets, readSecretFile, writeSecretFile } from "../../manager/src/secrets/file-store";
import { generatePassword, isGeneratedPassword, makeSecret } from "../../manager/src/secrets/secret";
import type { DatabaseSecret, Endpoint } from "../../manager/src/secrets/secret";
import { sessionOperations } from "../../manager/src/setup/operations";
import { tlsPaths } from "../certificates/tls-files";
import { ADMIN_ROLE, TEMPLATE_DATABASE } from "../postgres/superuser-statements";
import type { StackConfig } from "../stack-config";
import type { TierAccess, TierContext } from "../tier";
import { FACTS_QUERY, bootstrapServer, requireOurServer, superuserUnknown } from "./access-bootstrap";
import type { ServerFacts } from "./access-bootstrap";
import { waitUntilReady, whyNotOurs } from "./access-ready";
import { dockerStores, waitForStores } from "./access-stores";
import { tryAsSuperuser } from "./access-superuser";
import type { SuperuserResult } from "./access-superuser";
import { parseDockerConfig, serversOf } from "./config";
import type { DockerConfig } from "./config";
import { inspectContainers } from "./engine/inspect";
import { startOurContainers } from "./lifecycle";
import { isOurs } from "./lifecycle-ours";
import { CONTAINERS, PORTS } from "./names";
import { dockerPaths } from "./paths";
import { withServiceFiles } from "./services/write-service-files";
import { majorOfTag, postgresVolume } from "./volumes";

/** Postgres keeps 3 for superusers and 3 for the admin; its own sessions outside compartments need a few more. */
const RESERVED_CONNECTIONS = 20;

export function dockerFacts(config: StackConfig, catalog: Catalog): TierFacts {
  const { maxConnections, images } = parseDockerConfig(config, catalog);
  // By the tag, since a plan is made before the image is there; a server of another version is refused before anything is changed.
  const major = majorOfTag(images.postgres) ?? DEFAULT_POSTGRES_MAJOR;
  return { admin: ADMIN_ROLE, template: TEMPLATE_DATABASE, maxConnections, reservedConnections: RESERVED_CONNECTIONS, ...(major !== DEFAULT_POSTGRES_MAJOR && { postgresMajor: major }) };
}

/**
 * The way into the servers as they run now.
 *
 * @throws BulkheadError `TIER_NOT_RUNNING`, `ADMIN_SECRET_LOST`, and what says that Docker cannot be used
 */
export async function openDockerAccess(context: TierContext): Promise<TierAccess> {
  const { stack, progress, signal } = context;
  const catalog = context.catalog();
  const containers = await inspectContainers(serversOf(catalog).map((server) => CONTAINERS[server]), signal);
  const container = containers.get(CONTAINERS.postgres);
  const reason = whyNotOurs(container, context);
  if (reason !== undefined) throw notRunning(stack, reason);
  const config = parseDockerConfig(context.config, catalog);
  const paths = dockerPaths(context);
  // The port of the container as it is: the setting may have changed since.
  const endpoint = await endpointOf(context, container!.ports[`${PORTS.postgres}/tcp`] ?? config.postgres.port);
  const admin = await readAdmin(context, endpoint);
  if (admin === undefined) throw new BulkheadError("ADMIN_SECRET_LOST", `${paths.adminSecret} is missing or not whole`, { hint: "npx bulkhead up (it makes a new one)" });
  const server = await readServer(admin).catch((error: unknown) => { throw loginFailure(stack, error); });
  const secrets = fileSecretStore(paths.secrets, progress);
  const storeSecrets = fileStoreSecrets(paths.secrets, progress);
  const stores = dockerStores({ context, config, catalog, containers, ca: endpoint.ca, secrets: storeSecrets });
  const open = (database: string): ReturnType<TierAccess["openSession"]> => openSession(clientConfig({ ...admin, dbname: database }, "bulkhead"));
  const access: TierAccess = {
    facts: dockerFacts(context.config, catalog),
    identity: server.identity,
    endpoint,
    admin,
    secrets,
    storeSecrets,
    stores,
    serverVersion: server.version,
    openSession: open,
    operations: sessionOperations({ endpoint, secrets, openSession: open, stores }),
  };
  return withServiceFiles(access, context);
}

/**
 * The same for containers that exist: starts those that are stopped, waits until they take work, and gives a new server its admin and template.
 *
 * @throws BulkheadError `CONTAINER_MISSING`, `CONTAINER_FOREIGN`, `CONTAINER_ENDED`, `CONTAINER_START_TIMEOUT`, `ADOPTION_NEEDED`, `SUPERUSER_UNKNOWN`, `SERVER_BOOTSTRAP_FAILED`
 */
export async function ensureDockerAccess(context: TierContext): Promise<TierAccess> {
  const catalog = context.catalog();
  const config = parseDockerConfig(context.config, catalog);
  const servers = serversOf(catalog);
  await startOurContainers(context, servers.map((server) => CONTAINERS[server]));
  const { ca } = await endpointOf(context, config.postgres.port);
  await Promise.all([ensureAdmin(context, config), waitForStores(context, config, { kinds: servers.filter((server) => server !== "postgres"), ca, mayRestart: true })]);
  return openDockerAccess(context);
}

/**
 * For a preview, which makes nothing: starts what was stopped, since only running servers can be compared with a plan. Null where the
 * server is still to be made or set up.
 */
export async function previewDockerAccess(context: TierContext): Promise<TierAccess | null> {
  const catalog = context.catalog();
  const config = parseDockerConfig(context.config, catalog);
  const servers = serversOf(catalog);
  const found = await inspectContainers(servers.map((server) => CONTAINERS[server]), context.signal);
  // What is not ours, or not there, is the program's affair; the others can be looked at.
  const ours = servers.filter((server) => isOurs(found.get(CONTAINERS[server])?.labels ?? {}, context));
  if (!ours.includes("postgres") || (await readSecretFile(dockerPaths(context).adminSecret)) === undefined) return null;
  await startOurContainers(context, ours.map((server) => CONTAINERS[server]));
  const { ca } = await endpointOf(context, config.postgres.port);
  const [facts] = await Promise.all([serverFacts(context, config), waitForStores(context, config, { kinds: ours.filter((server) => server !== "postgres"), ca, mayRestart: false })]);
  if (!facts.hasAdmin || !facts.hasTemplate) return null;
  return openDockerAccess(context);
}

/** Sees to it that the admin's secret logs in, with a new password where it does not. */
async function ensureAdmin(context: TierContext, config: DockerConfig): Promise<void> {
  const { progress, signal } = context;
  const endpoint = await endpointOf(context, config.postgres.port);
  const admin = await readAdmin(context, endpoint);
  // A server that runs is asked only this once.
  if (admin !== undefined && (await isSetUp(admin))) return writeAdmin(context, admin);
  const facts = await serverFacts(context, config);
  requireOurServer(facts, postgresVolume(context, config));
  if (admin !== undefined && (await isSetUp(admin))) return writeAdmin(context, admin);
  progress(facts.hasAdmin && facts.hasTemplate ? `the admin of Postgres gets another password, since its secret ${admin === undefined ? "was lost" : "does not fit"}` : "setting up Postgres: its admin, and the template of new databases");
  const password = admin !== undefined && isGeneratedPassword(admin.password) ? admin.password : generatePassword();
  await bootstrapServer({ superuser: config.postgres.superuser, facts, password, signal });
  await writeAdmin(context, adminSecret(endpoint, password));
}

/** Waits for the server, and looks at it as its superuser. */
async function serverFacts(context: TierContext, config: DockerConfig): Promise<ServerFacts> {
  const { superuser } = config.postgres;
  let answer: SuperuserResult | undefined;
  await waitUntilReady(context, CONTAINERS.postgres, async () => {
    answer = await tryAsSuperuser({ superuser, database: "postgres", signal: context.signal }, FACTS_QUERY);
    return answer.kind === "starting" ? { ready: false, detail: answer.detail } : { ready: true };
  });
  if (answer?.kind === "done") return JSON.parse(answer.output) as ServerFacts;
  if (answer?.kind === "no-role") throw superuserUnknown(context.stack, superuser, postgresVolume(context, config));
  throw new BulkheadError("SERVER_BOOTSTRAP_FAILED", `Postgres in ${CONTAINERS.postgres} cannot be asked as its superuser ${superuser}: ${answer?.detail ?? "no answer"}`, { hint: `docker logs --tail 50 ${CONTAINERS.postgres}` });
}

interface Server {
  readonly identity: string;
  readonly version: string;
  readonly hasTemplate: boolean;
}

/** What a login as the admin shows. */
async function readServer(admin: DatabaseSecret): Promise<Server> {
  return withSession(clientConfig(admin, "bulkhead"), async (session) => {
    const { rows } = await session.query<Server>(
      `SELECT system_identifier::text AS identity, split_part(current_setting('server_version'), ' ', 1) AS version, EXISTS (SELECT FROM pg_database WHERE datname = '${TEMPLATE_DATABASE}') AS "hasTemplate" FROM pg_control_system()`,
    );
    return rows[0]!;
  });
}

/** No error is told: the superuser's look at the same server, which follows, says what is wrong with it. */
async function isSetUp(admin: DatabaseSecret): Promise<boolean> {
  return readServer(admin).then(({ hasTemplate }) => hasTemplate, () => false);
}

async function endpointOf(context: TierContext, port: number): Promise<Endpoint> {
  const caPath = tlsPaths(dockerPaths(context).tls).ca;
  const ca = await readFile(caPath, "utf8").catch((cause: unknown) => { throw new BulkheadError("CA_LOST", `the certificate authority of stack ${context.stack} cannot be read: ${messageOf(cause)}`, { hint: "npx bulkhead up (it makes a new one)", cause }); });
  return { host: "localhost", port, ca, caPath, serverPort: PORTS.postgres };
}

function adminSecret(endpoint: Endpoint, password: string): DatabaseSecret {
  return makeSecret(endpoint, { dbname: "postgres", username: ADMIN_ROLE, password });
}

/** The admin's login at an endpoint, which may be another than when the secret was written. Undefined where the file is lost or damaged. */
async function readAdmin(context: TierContext, endpoint: Endpoint): Promise<DatabaseSecret | undefined> {
  const stored = await readSecretFile(dockerPaths(context).adminSecret, context.progress);
  return stored?.username === ADMIN_ROLE ? adminSecret(endpoint, stored.password) : undefined;
}

async function writeAdmin(context: TierContext, admin: DatabaseSecret): Promise<void> {
  const path = dockerPaths(context).adminSecret;
  const stored = await readSecretFile(path);
  if (stored === undefined || JSON.stringify(stored) !== JSON.stringify(admin)) await writeSecretFile(path, admin);
}

function notRunning(stack: string, reason: string): BulkheadError {
  return new BulkheadError("TIER_NOT_RUNNING", `Postgres of stack ${stack} does not run: ${reason}`, { hint: "npx bulkhead up" });
}

function loginFailure(stack: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  // 28P01 invalid_password; 28000: no such role, or it may not log in; 57P03 cannot_connect_now.
  if (code === "28P01" || code === "28000") return new BulkheadError("ADMIN_SECRET_LOST", `the admin's secret of stack ${stack} does not fit the server`, { hint: "npx bulkhead up (it makes a new one)", cause: error });
  if (code === "57P03" || code === "ECONNREFUSED" || code === "ECONNRESET") return notRunning(stack, `it does not take connections (${message}); it may still be starting`);
  return error;
}
