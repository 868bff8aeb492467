/** How a service's schema comes into being: the folder of SQL migrations, or the service's own tool. */
export type MigrationSource =
  | {
      /** Folder of numbered SQL files, relative to the project's root. Default: `schemas/<service>`. */
      readonly directory: string;
    }
  | {
      /** Program and arguments of the service's own migration tool, e.g. `["npx", "prisma", "migrate", "deploy"]`. Runs as the service's migrator, with its URL in `DATABASE_URL`. */
      readonly command: readonly [string, ...string[]];
      /** Working folder of the tool, relative to the project's root. Default: the root. */
      readonly cwd?: string;
      /** After this time the tool is ended. Default: 600000 (10 minutes). Unit: milliseconds. */
      readonly timeoutMs?: number;
    };

/** What a team writes in `services.ts` for one service. Only `port` is a must. */
export interface ServiceDefinition {
  /** TCP port that the service itself listens on, 1 to 65535; unique in the catalog. */
  readonly port: number;
  /** Name of its database, or `null` for a service that must never reach one. Default: the service's name with `_db` behind it. */
  readonly database?: string | null;
  /** Connections that the running service may hold in all, over all instances and both logins. Default: 40 (a pool of 20, twice during a rollout). */
  readonly connections?: number;
  /** Where its schema comes from. Default: the folder `schemas/<service>`. */
  readonly migrations?: MigrationSource;
  /** Parameters that the URL in the service's secret carries beside the connection's own, e.g. `{schema: "public"}` for Prisma. */
  readonly urlParameters?: Readonly<Record<string, string>>;
  /** Names of the services that it calls over the network; nobody else can. */
  readonly calls?: readonly string[];
  /** Container image, e.g. `europe-west1-docker.pkg.dev/example-project/services/backend`. Where the target runs services, one with an image is run; a stack may name another image. Default: none. */
  readonly image?: string;
  /** Wants a Redis of its own, where the target has one. Default: false. */
  readonly redis?: boolean;
  /** Wants a database, user and quota of its own in ClickHouse, where the target has one. Default: false. */
  readonly clickhouse?: boolean;
  /** Requests from outside with this path go to it, e.g. `/api/*`; `/*` is for all that no other takes. Default: none, and nobody outside can reach it. */
  readonly path?: string;
  /** Answers with a status under 400 when the service can work. Default: `/health`. */
  readonly healthPath?: string;
}

/** One service of the catalog, with every default filled in. */
export interface Service {
  readonly name: string;
  readonly port: number;
  readonly database: string | null;
  readonly connections: number;
  readonly migrations: MigrationSource | null;
  readonly urlParameters: Readonly<Record<string, string>>;
  readonly calls: readonly string[];
  readonly image: string | null;
  readonly redis: boolean;
  readonly clickhouse: boolean;
  readonly path: string | null;
  readonly healthPath: string;
}

/** The catalog: every service of the tier, in the order of `services.ts`. */
export interface Catalog {
  readonly services: readonly Service[];
}
