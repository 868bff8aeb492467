import { inspect } from "node:util";
import type { PasswordFunction } from "../pool";
import { redactUrl } from "../url";
import type { DatabaseUrl, DeploymentTarget } from "../url";
import type { Profile } from "./profile";

/** Where a connection was found, in the order in which the sources are asked. */
export const SOURCE_NAMES = ["database-url", "aws-secrets-manager", "gcp-secret-manager", "secret-file", "aws-variables", "memory"] as const;
export type SourceName = (typeof SOURCE_NAMES)[number];

/** A service's configuration: read once at start, checked as a whole, frozen to the last field. Printing it shows no password. */
export interface AppConfig {
  readonly service: string;
  readonly profile: Profile;
  /** Where the process runs, seen from the database. */
  readonly target: DeploymentTarget;
  /** Whether instances come and go with the requests (Cloud Run, AWS Lambda). */
  readonly serverless: boolean;
  readonly database: PostgresConnection | MemoryConnection;
  /** From `READ_REPLICA_URL`; undefined where there is none. */
  readonly readReplica: PostgresConnection | undefined;
  /**
   * How far the read replica may be behind before reads go to the primary. From `READ_REPLICA_MAX_LAG_MS`; default 5,000, floor 1,000: the lag is measured at most once a second, and the age of the
   * measurement counts as lag. Milliseconds.
   */
  readonly readReplicaLagMaxMs: number;
  readonly pool: {
    /** Instances of the service that run at the same time, at most: what the pool's size is multiplied by in the budget. Default 1. */
    readonly instancesMax: number;
    /** Connections that stay open when idle. From `DB_MIN_CONNECTIONS`; default 2, on Cloud Run and AWS Lambda 0. */
    readonly min: number;
    /** Most connections of one instance. From `DB_MAX_CONNECTIONS`; default 20, on Cloud Run 5, on AWS Lambda 1, or what the budget admits. */
    readonly max: number;
    /** How long a caller waits for a connection. From `CONNECTION_TIMEOUT_SECONDS`; default 30,000. Milliseconds. */
    readonly acquireTimeoutMs: number;
  };
  readonly connect: {
    /** One attempt to connect: 5,000 in the profile local, else 10,000; never over `pool.acquireTimeoutMs`. Milliseconds. */
    readonly timeoutMs: number;
    /** Further attempts at start: 3 in the profile local, else 5. */
    readonly retries: number;
  };
  readonly monitoring: {
    /** From `MONITORING_ENABLED`; default true. */
    readonly enabled: boolean;
    /** From `SLOW_QUERY_THRESHOLD_MS`; default 1,000. Milliseconds. */
    readonly slowQueryThresholdMs: number;
  };
  /** What works, and may not be what was meant. */
  readonly warnings: readonly string[];
}

/** The service runs on memory alone: nothing outlives the process. */
export interface MemoryConnection {
  readonly kind: "memory";
  readonly source: "memory";
  /** Why, in words for a health page. */
  readonly reason: string;
}

/** What a `PostgresConnection` is made of. */
export interface PostgresConnectionParts {
  readonly source: Exclude<SourceName, "memory">;
  /** The URL as its source gave it, or one built from the parts that it gave. */
  readonly url: string;
  /** The same, read by libpq's grammar. */
  readonly parsed: DatabaseUrl;
  /** The authority to verify the server with, as PEM text, where the source brought one along. */
  readonly ca: string | undefined;
  /** Reads the password from its secret store when a connection is opened; undefined where it is fixed. */
  readonly password: PasswordFunction | undefined;
}

/** How to reach a database. `url`, `parsed` and `password` hold the secret; printing, spreading and `JSON.stringify` leave them out. */
export class PostgresConnection {
  readonly kind = "postgres";
  readonly source: Exclude<SourceName, "memory">;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly #parts: PostgresConnectionParts;

  constructor(parts: PostgresConnectionParts) {
    const { hosts, user, database } = parts.parsed;
    this.source = parts.source;
    this.host = hosts.map(({ host }) => host).join(",");
    this.port = hosts[0]?.port ?? 0;
    this.user = user ?? "";
    this.database = database ?? this.user;
    this.#parts = parts;
    Object.freeze(this);
  }

  /** Holds the password. */
  get url(): string {
    return this.#parts.url;
  }

  /** Holds the password. */
  get parsed(): DatabaseUrl {
    return this.#parts.parsed;
  }

  get ca(): string | undefined {
    return this.#parts.ca;
  }

  /** For a pool's `password`: asks the secret store anew after the server rejected what was read before. */
  get password(): PasswordFunction | undefined {
    return this.#parts.password;
  }

  toString(): string {
    return redactUrl(this.url);
  }

  toJSON(): Record<string, string | number> {
    const { kind, source, host, port, database, user } = this;
    return { kind, source, host, port, database, user };
  }

  [inspect.custom](): string {
    return `PostgresConnection(${this.source}: ${this.toString()})`;
  }
}
