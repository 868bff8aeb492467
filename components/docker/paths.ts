import { join } from "node:path";

import type { TierContext } from "../tier";
import { SERVERS } from "./names";
import type { Server } from "./names";

/** File of Redis' users, within the folder that is mounted. */
export const ACL_FILE = "users.acl";

/**
 * Where everything of a docker stack is on the host: apart from what the local target keeps of a stack of the same name, so that `--target` can be
 * switched back and forth. The folder itself is closed to others (0700); some of what is mounted into containers is open (0644) below it, since the
 * users in them have other numbers than the host's.
 */
export interface DockerPaths {
  /** `.bulkhead/<stack>/docker`, absolute. */
  readonly directory: string;
  /** Logins, as on every target: `<service>/<login>.json`. */
  readonly secrets: string;
  /** The login of the database's admin. */
  readonly adminSecret: string;
  /** The stack's own authority, and the servers' certificate. Mounted into the servers' containers. */
  readonly tls: string;
  /** Mounted into each server's container: what it reads at its start. */
  readonly config: Readonly<Record<Server, string>>;
  /** Mounted into a store's container: its users, which it reads again while it runs. */
  readonly users: Readonly<Record<Exclude<Server, "postgres">, string>>;
  /** The users of Redis, in its folder of users. */
  readonly aclFile: string;
  /** The login of Redis' admin. */
  readonly redisAdminSecret: string;
  /** `<service>.env` for containers and `<service>.host.env` for programs on the host; 0600. */
  readonly env: string;
  /** `<service>/`: mounted into the service's container, and into no other. */
  readonly services: string;
}

export function dockerPaths({ root, stack }: Pick<TierContext, "root" | "stack">): DockerPaths {
  const directory = join(root, ".bulkhead", stack, "docker");
  const config = Object.fromEntries(SERVERS.map((server) => [server, join(directory, "config", server)])) as Record<Server, string>;
  return {
    directory,
    secrets: join(directory, "secrets"),
    adminSecret: join(directory, "secrets", "admin.json"),
    tls: join(directory, "tls"),
    config,
    users: { redis: join(directory, "users", "redis"), clickhouse: join(directory, "users", "clickhouse") },
    aclFile: join(directory, "users", "redis", ACL_FILE),
    redisAdminSecret: join(directory, "secrets", "redis-admin.json"),
    env: join(directory, "env"),
    services: join(directory, "services"),
  };
}
