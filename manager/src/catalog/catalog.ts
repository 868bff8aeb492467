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
  /** Names of the services that it calls over the network. */
  readonly calls?: readonly string[];
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
}

/** The catalog: every service of the tier, in the order of `services.ts`. */
export interface Catalog {
  readonly services: readonly Service[];
}
