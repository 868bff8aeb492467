import type { Catalog, Service } from "../../../manager/src/catalog/catalog";
import { urlVariable } from "../../../manager/src/catalog/web";
import { clickHouseSecret } from "../../../manager/src/clickhouse/secret";
import { makeRedisSecret } from "../../../manager/src/redis/secret";
import { makeSecret } from "../../../manager/src/secrets/secret";
import type { DatabaseSecret } from "../../../manager/src/secrets/secret";
import { STORE_KINDS } from "../../../manager/src/stores/store-secret";
import type { StoreKind, StoreSecret } from "../../../manager/src/stores/store-secret";
import { CONTAINERS, PORTS } from "../names";

/** Where a service's own folder is in its container, and in that of whoever mounts it there. */
export const SERVICE_FOLDER = "/run/bulkhead";

const CA_FILE = "ca.crt";

/** The logins of a service, as they are kept for programs on the host. */
export interface ServiceSecrets {
  readonly database: DatabaseSecret;
  readonly stores: Partial<Readonly<Record<StoreKind, StoreSecret>>>;
}

/** What is written for one service, all of it secret. */
export interface ServiceFiles {
  /** By name, in the folder that its container mounts: `database.json`, `redis.json`, `clickhouse.json` and `ca.crt`. */
  readonly mounted: Readonly<Record<string, string>>;
  /** For a container in the network. */
  readonly env: string;
  /** For a program on the host. */
  readonly hostEnv: string;
}

/** Name of the file with a service's login, and the variable that the manager library finds it by: the same as on every target that runs services. */
export const SECRET_FILES = {
  database: { file: "database.json", variable: "DB_SECRET_FILE" },
  redis: { file: "redis.json", variable: "REDIS_SECRET_FILE" },
  clickhouse: { file: "clickhouse.json", variable: "CLICKHOUSE_SECRET_FILE" },
} as const satisfies Record<"database" | StoreKind, { file: string; variable: string }>;

/** Renders a service's files. Pure; `caPath`: the authority's file on the host. */
export function renderServiceFiles(service: Service, { services }: Catalog, { database, stores }: ServiceSecrets, caPath: string): ServiceFiles {
  const inside = networkDatabase(service, database);
  const insideStores = STORE_KINDS.flatMap((kind) => (stores[kind] === undefined ? [] : [[kind, networkStore(service, kind, stores[kind])] as const]));
  const urls = (of: readonly (readonly [StoreKind, StoreSecret])[]) => Object.fromEntries(of.map(([kind, { url }]) => [`${kind.toUpperCase()}_URL`, url]));
  const hostStores = STORE_KINDS.flatMap((kind) => (stores[kind] === undefined ? [] : [[kind, stores[kind]] as const]));
  const called = services.filter(({ name }) => service.calls.includes(name));
  const port = String(service.port);
  return {
    mounted: {
      [SECRET_FILES.database.file]: json(inside),
      ...Object.fromEntries(insideStores.map(([kind, secret]) => [SECRET_FILES[kind].file, json(secret)])),
      [CA_FILE]: database.ca,
    },
    env: lines({ PORT: port, DATABASE_URL: inside.url, ...urls(insideStores), ...calls(called, (callee) => callee.name), NODE_EXTRA_CA_CERTS: `${SERVICE_FOLDER}/${CA_FILE}` }),
    hostEnv: lines({ PORT: port, DATABASE_URL: database.url, ...urls(hostStores), ...calls(called, () => "localhost"), NODE_EXTRA_CA_CERTS: caPath }),
  };
}

/** Where a service finds those that it calls. */
export function calls(called: readonly Pick<Service, "name" | "port">[], hostOf: (callee: Pick<Service, "name">) => string): Record<string, string> {
  return Object.fromEntries(called.map((callee) => [urlVariable(callee.name), `http://${hostOf(callee)}:${callee.port}`]));
}

/** The same login at the server's name and port in the network. */
function networkDatabase({ urlParameters }: Service, { ca, dbname, username, password }: DatabaseSecret): DatabaseSecret {
  return makeSecret({ host: CONTAINERS.postgres, port: PORTS.postgres, ca, caPath: `${SERVICE_FOLDER}/${CA_FILE}` }, { dbname, username, password, urlParameters });
}

function networkStore({ name }: Service, kind: StoreKind, { ca, username, password, scope }: StoreSecret): StoreSecret {
  const endpoint = { host: CONTAINERS[kind], port: PORTS[kind], ca };
  return kind === "redis" ? makeRedisSecret(endpoint, { username, password, scope }) : clickHouseSecret(endpoint, name, password);
}

function json(secret: object): string {
  return `${JSON.stringify(secret, null, 2)}\n`;
}

/** Neither quotes nor escapes, of which readers of such files (Docker, Compose, dotenv, a shell) each have their own: URLs need none. */
function lines(variables: Readonly<Record<string, string>>): string {
  return ["# Written by Bulkhead: changes made here are lost. Holds passwords.", ...Object.entries(variables).map(([name, value]) => `${name}=${value}`), ""].join("\n");
}
