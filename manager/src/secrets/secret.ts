import { randomBytes } from "node:crypto";

import { buildDatabaseUrl } from "../url";

/** What a service needs to connect: the shape of every secret, in files and in cloud secret stores alike. */
export interface DatabaseSecret {
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
  readonly username: string;
  readonly password: string;
  /** libpq's name for how TLS is checked; Bulkhead writes `verify-full` only. */
  readonly sslmode: "verify-full";
  /** The certificate authority to verify the server with, as PEM text. */
  readonly ca: string;
  /** The same as a connection URI, with `sslrootcert` naming a file that holds `ca`. */
  readonly url: string;
  /** In memory only, never stored: where this process connects to instead. `host` is still the name that the certificate must be for. */
  readonly reach?: ReachedAt;
}

/** The address that leads to a server from here, where its own name does not: a private address, or this machine's end of a tunnel. */
export interface ReachedAt {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** Where a tier's server is, as its clients see it. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** PEM text. */
  readonly ca: string;
  /** File with the same text, for libpq and what is built on it. */
  readonly caPath: string;
  /** See `DatabaseSecret.reach`. */
  readonly reach?: ReachedAt;
  /** Port that the server itself listens on, where clients come by another, as by a container's published one. Default: `port`. */
  readonly serverPort?: number;
}

/** The three logins of a compartment that have a secret each. */
export const SECRET_LOGINS = ["app", "migrator", "readonly"] as const;
export type SecretLogin = (typeof SECRET_LOGINS)[number];

/** Names one secret of a store. */
export interface SecretRef {
  readonly service: string;
  readonly login: SecretLogin;
}

/** A place that keeps secrets. Writes are atomic: a reader sees the old secret or the new one. */
export interface SecretStore {
  /** The secret, or undefined when there is none that could be used (lost, empty, half-written). */
  read(ref: SecretRef): Promise<DatabaseSecret | undefined>;
  write(ref: SecretRef, secret: DatabaseSecret): Promise<void>;
  /** Removes the secrets of a service that is pruned. */
  remove(service: string): Promise<void>;
  /** How a person or another program finds it; never the secret itself. */
  reference(ref: SecretRef): string;
}

/** 24 random bytes: 192 bits, in an alphabet that needs no escaping in a URL, a shell or a `.pgpass` file. */
export function generatePassword(): string {
  return randomBytes(24).toString("base64url");
}

/** Whether a password could be one that `generatePassword` made. Any other was put there by hand and may be guessable. */
export function isGeneratedPassword(password: string): boolean {
  return /^[A-Za-z0-9_-]{32}$/.test(password);
}

/** The secret for a login at an endpoint. */
export function makeSecret(endpoint: Endpoint, { dbname, username, password, urlParameters = {} }: { dbname: string; username: string; password: string; urlParameters?: Readonly<Record<string, string>> }): DatabaseSecret {
  const { host, port, ca, caPath, reach } = endpoint;
  const url = buildDatabaseUrl({ hosts: [{ host, port }], user: username, password, database: dbname, params: { sslmode: "verify-full", sslrootcert: caPath } });
  // The service's own parameters are for its own library (Prisma's `schema`): libpq would refuse them, so they come behind what libpq knows.
  const own = Object.entries(urlParameters).map(([name, value]) => `&${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return { host, port, dbname, username, password, sslmode: "verify-full", ca, url: url + own.join(""), ...(reach && { reach }) };
}

/** A secret read from outside, or undefined when it is not whole. */
export function parseSecret(text: string): DatabaseSecret | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { host, port, dbname, username, password, sslmode, ca, url } = value as Record<string, unknown>;
  const isText = (entry: unknown): entry is string => typeof entry === "string" && entry !== "";
  if (!isText(host) || !isText(dbname) || !isText(username) || !isText(password) || !isText(ca) || !isText(url)) return undefined;
  if (typeof port !== "number" || !Number.isInteger(port) || sslmode !== "verify-full") return undefined;
  return { host, port, dbname, username, password, sslmode, ca, url };
}
