/** What a tier may have beside its Postgres. */
export const STORE_KINDS = ["redis", "clickhouse"] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** Where a store's server is, as its clients see it. */
export interface StoreEndpoint {
  readonly host: string;
  /** Redis: its TLS port. ClickHouse: that of its HTTPS interface. */
  readonly port: number;
  /** The certificate authority to verify the server with, as PEM text. */
  readonly ca: string;
}

/** What a service needs to get into a store: the shape of every such secret, in files and in cloud secret stores alike. */
export interface StoreSecret extends StoreEndpoint {
  /** Redis without users of its own, as a cloud's, knows `default` only. */
  readonly username: string;
  readonly password: string;
  /** Redis: what its keys and channels begin with, e.g. `backend:`; empty where the whole server is the service's. ClickHouse: the name of its database. */
  readonly scope: string;
  /** The same as a URL: `rediss://…` or `https://…`. */
  readonly url: string;
}

/** A secret read from outside, or undefined when it is not whole. */
export function parseStoreSecret(text: string): StoreSecret | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { host, port, ca, username, password, scope, url } = value as Record<string, unknown>;
  const isText = (entry: unknown): entry is string => typeof entry === "string" && entry !== "";
  if (!isText(host) || !isText(ca) || !isText(username) || !isText(password) || typeof scope !== "string" || !isText(url)) return undefined;
  if (typeof port !== "number" || !Number.isInteger(port)) return undefined;
  return { host, port, ca, username, password, scope, url };
}
