import { existsSync } from "node:fs";
import { buildDatabaseUrl } from "./build";
import { DEFAULT_PORT, DatabaseUrlError } from "./database-url";
import type { DatabaseUrlParts } from "./database-url";

/** Where the program runs, seen from the database: on the host, in a container of the same Docker network, or in the cloud. */
export type DeploymentTarget = "host" | "docker" | "cloud";

/** The name of the tier's server on its Docker network. */
const DOCKER_HOST = "shared-postgres";

export interface EnvironmentOptions {
  /** Default: found out by `detectTarget`. */
  readonly target?: DeploymentTarget;
  /** The tier's private address, or its socket folder (`/cloudsql/…`); needed in the cloud. */
  readonly privateHost?: string;
  /** Default 5432. */
  readonly port?: number;
  /** Parameters of every URL that is built. Default `{ sslmode: "verify-full" }`; give `sslrootcert` with it for an authority of your own. */
  readonly params?: Readonly<Record<string, string>>;
  /** Where `detectTarget` looks; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Builds the URLs of one tier for the place where the program runs. */
export class DatabaseUrlBuilder {
  private constructor(
    readonly target: DeploymentTarget,
    readonly host: string,
    readonly port: number,
    private readonly params: Readonly<Record<string, string>>,
  ) {}

  /** The host is `shared-postgres` inside Docker, `localhost` outside, `privateHost` in the cloud. Throws `DATABASE_URL_TARGET` where that is missing. */
  static forEnvironment(options: EnvironmentOptions = {}): DatabaseUrlBuilder {
    const target = options.target ?? detectTarget(options.env ?? process.env);
    const host = target === "cloud" ? options.privateHost : target === "docker" ? DOCKER_HOST : "localhost";
    if (host === undefined || host === "") {
      throw new DatabaseUrlError("DATABASE_URL_TARGET", "In the cloud the address of the tier has to be told.", { hint: 'pass privateHost, or target: "docker" or "host"' });
    }
    return new DatabaseUrlBuilder(target, host, options.port ?? DEFAULT_PORT, options.params ?? { sslmode: "verify-full" });
  }

  /** The URL of one login. `params` are added to those of the environment and win over them. */
  build(login: Omit<DatabaseUrlParts, "hosts">): string {
    return buildDatabaseUrl({ ...login, hosts: [{ host: this.host, port: this.port }], params: { ...this.params, ...login.params } });
  }
}

/** Set by Cloud Run, AWS Lambda, ECS and Fargate, and App Engine in every container of theirs. */
const CLOUD_VARIABLES = ["K_SERVICE", "CLOUD_RUN_JOB", "AWS_LAMBDA_FUNCTION_NAME", "ECS_CONTAINER_METADATA_URI_V4", "AWS_EXECUTION_ENV", "GAE_SERVICE"];

/** Left by Docker and Podman in every container of theirs. */
const CONTAINER_FILES = ["/.dockerenv", "/run/.containerenv"];

/** The cloud where one of its variables is set, else Docker where a container's mark is in the file system, else the host. */
export function detectTarget(env: Readonly<Record<string, string | undefined>>, fileExists: (path: string) => boolean = existsSync): DeploymentTarget {
  if (CLOUD_VARIABLES.some((name) => env[name])) return "cloud";
  return CONTAINER_FILES.some((path) => fileExists(path)) ? "docker" : "host";
}
