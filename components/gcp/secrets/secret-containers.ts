import { SECRET_LOGINS } from "../../../manager/src/secrets/secret";
import { namesOf } from "../labels";

/** A secret to be: its name, whose it is and who reads it. */
export interface SecretContainer {
  /** The end of its logical name in Pulumi, e.g. `auth-app`. */
  readonly key: string;
  /** Secret id, e.g. `bulkhead-prod-auth-app`. */
  readonly id: string;
  /** The service that it belongs to; null for the tier's own. */
  readonly service: string | null;
  /** The one account that may read it beside the setup's: the service's own, the ClickHouse machine's, or none. */
  readonly reader: "service" | "clickhouse" | null;
  /** What the setup job may do with it, where there is one: it makes the logins of the databases, and nothing else. */
  readonly setupJob: "reads" | "writes" | null;
}

/** What the secrets of a service depend on. */
export interface SecretOwner {
  readonly name: string;
  readonly database: string | null;
  readonly redis: boolean;
  readonly clickhouse: boolean;
}

/** Ids of the secrets that only this target has; those of the logins are in `namesOf`. Written by the setup. */
export function storeSecretNames(stack: string) {
  return {
    /** A StoreSecret, for the service. */
    redis: (service: string) => `bulkhead-${stack}-${service}-redis`,
    /** The same. */
    clickhouse: (service: string) => `bulkhead-${stack}-${service}-clickhouse`,
    /** SHA-256 of the password in 64 hexadecimal digits, for the machine: it never holds a password. */
    clickhouseHash: (service: string) => `bulkhead-${stack}-${service}-clickhouse-hash`,
    /** PEM: the server's private key, then its certificate and the chain up to the authority. */
    clickhouseTls: `bulkhead-${stack}-clickhouse-tls`,
    /** `{ca, key}` of the authority that signs that certificate, for the setup. */
    clickhouseAuthority: `bulkhead-${stack}-clickhouse-authority`,
  };
}

/** Every secret of a stack: the admin's, three logins a database, and those of the stores that are on. The migrator's, readonly's, admin's and the authority's have no reader but the setup. */
export function secretContainers(stack: string, services: readonly SecretOwner[]): SecretContainer[] {
  const names = namesOf(stack);
  const stores = storeSecretNames(stack);
  const containers: SecretContainer[] = [{ key: "admin", id: names.adminSecret, service: null, reader: null, setupJob: "reads" }];
  for (const { name: service, database, redis, clickhouse } of services) {
    if (database !== null) {
      for (const login of SECRET_LOGINS) containers.push({ key: `${service}-${login}`, id: names.secret(service, login), service, reader: login === "app" ? "service" : null, setupJob: "writes" });
    }
    if (redis) containers.push({ key: `${service}-redis`, id: stores.redis(service), service, reader: "service", setupJob: null });
    if (clickhouse) {
      containers.push({ key: `${service}-clickhouse`, id: stores.clickhouse(service), service, reader: "service", setupJob: null });
      containers.push({ key: `${service}-clickhouse-hash`, id: stores.clickhouseHash(service), service, reader: "clickhouse", setupJob: null });
    }
  }
  if (services.some(({ clickhouse }) => clickhouse)) {
    containers.push({ key: "clickhouse-tls", id: stores.clickhouseTls, service: null, reader: "clickhouse", setupJob: null });
    containers.push({ key: "clickhouse-authority", id: stores.clickhouseAuthority, service: null, reader: null, setupJob: null });
  }
  return containers;
}
