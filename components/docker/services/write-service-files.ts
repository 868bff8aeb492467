import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import type { Catalog, Service } from "../../../manager/src/catalog/catalog";
import { STORE_KINDS } from "../../../manager/src/stores/store-secret";
import type { TierAccess, TierContext } from "../../tier";
import { makeDirectory, writeFileAtomically } from "../../write-file";
import { dockerPaths } from "../paths";
import type { DockerPaths } from "../paths";
import { closedDirectory } from "../write-config";
import { renderServiceFiles } from "./service-files";
import type { ServiceSecrets } from "./service-files";

type Stack = Pick<TierContext, "root" | "stack" | "catalog">;
type Secrets = Pick<TierAccess, "secrets" | "storeSecrets" | "endpoint">;

/**
 * Writes what services' containers mount, and the files of variables, from the logins as they are kept now; those of services that have no login, or have left
 * the catalog, are removed. What is right already stays untouched. Default: for all services.
 */
export async function writeServiceFiles(context: Stack, access: Secrets, only?: readonly string[]): Promise<void> {
  const paths = dockerPaths(context);
  const catalog = context.catalog();
  for (const directory of [paths.directory, paths.env, paths.services]) closedDirectory(directory);
  for (const service of catalog.services.filter(({ name }) => only === undefined || only.includes(name))) {
    const secrets = await readSecrets(service, access);
    if (secrets === undefined) remove(paths, service.name);
    else write(paths, service, catalog, secrets, access.endpoint.caPath);
  }
  if (only === undefined) removeStrangers(paths, catalog);
}

/** The way into a tier on which whatever writes a service's login also writes what its container and its files of variables are made from. */
export function withServiceFiles(access: TierAccess, context: Stack): TierAccess {
  const { operations, stores } = access;
  return {
    ...access,
    operations: {
      ...operations,
      async setUp(request) {
        const report = await operations.setUp(request);
        await writeServiceFiles(context, access, [request.service]);
        return report;
      },
    },
    stores: stores.map((store) => ({
      ...store,
      async setUp(token, signal) {
        const done = await store.setUp(token, signal);
        await writeServiceFiles(context, access, store.services);
        return done;
      },
    })),
  };
}

/** Undefined for a service without a login. One that waits for a store's has the others already. */
async function readSecrets({ name, database, ...wants }: Service, { secrets, storeSecrets }: Secrets): Promise<ServiceSecrets | undefined> {
  const login = database === null ? undefined : await secrets.read({ service: name, login: "app" });
  if (login === undefined) return undefined;
  const stores = await Promise.all(STORE_KINDS.filter((kind) => wants[kind]).map(async (kind) => [kind, await storeSecrets.readStore(name, kind)] as const));
  return { database: login, stores: Object.fromEntries(stores.filter(([, secret]) => secret !== undefined)) };
}

function write(paths: DockerPaths, service: Service, catalog: Catalog, secrets: ServiceSecrets, caPath: string): void {
  const { mounted, env, hostEnv } = renderServiceFiles(service, catalog, secrets, caPath);
  const folder = join(paths.services, service.name);
  // Open, since the container's user has a number of its own; the folder above is closed on the host, and a container has no other but its own.
  makeDirectory(folder, { mode: 0o755 });
  for (const [name, text] of Object.entries(mounted)) writeIfDifferent(join(folder, name), text, 0o644);
  for (const name of readdirSync(folder)) if (!Object.hasOwn(mounted, name) && !name.startsWith(".")) rmSync(join(folder, name), { recursive: true, force: true });
  writeIfDifferent(join(paths.env, `${service.name}.env`), env, 0o600);
  writeIfDifferent(join(paths.env, `${service.name}.host.env`), hostEnv, 0o600);
}

function writeIfDifferent(path: string, text: string, mode: number): void {
  if (existsSync(path) && statSync(path).isFile() && (statSync(path).mode & 0o777) === mode && readFileSync(path, "utf8") === text) return;
  writeFileAtomically(path, text, { mode });
}

/** The folder itself stays: a container may have it mounted, and would not see another of the same name. */
function remove(paths: DockerPaths, service: string): void {
  const folder = join(paths.services, service);
  for (const name of existsSync(folder) ? readdirSync(folder) : []) rmSync(join(folder, name), { recursive: true, force: true });
  for (const file of [`${service}.env`, `${service}.host.env`]) rmSync(join(paths.env, file), { force: true });
}

function removeStrangers(paths: DockerPaths, { services }: Catalog): void {
  const known = new Set(services.map(({ name }) => name));
  const found = new Set([...readdirSync(paths.services), ...readdirSync(paths.env).map((file) => file.replace(/(\.host)?\.env$/, ""))]);
  for (const service of found) if (!known.has(service) && !service.startsWith(".")) remove(paths, service);
}
