import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { findBinaries } from "../../../components/local/server/binaries";
import { obtainOtherPostgres } from "../other-postgres";

/** How an image is made. */
export interface Recipe {
  /** Debian's, with all that they need. */
  readonly packages: readonly string[];
  /** Of Debian, by its code name. Default: the machine's. */
  readonly release?: string;
  /** The user that the server runs as, with the number that the official image gives it, and the folders that are its own. */
  readonly account?: { readonly name: string; readonly id: number; readonly home: string; readonly owns: readonly string[] };
  /** Of this machine, by their path; where they go in the image. Throws where they cannot be had. */
  readonly copies?: () => Readonly<Record<string, string>>;
  /** Texts by their path in the image. */
  readonly files?: Readonly<Record<string, string>>;
  /** As in a Dockerfile. */
  readonly configuration: readonly string[];
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** `psql` of Debian is a Perl script that looks for clusters; this is the program behind it. */
const CLIENTS = Object.fromEntries(["psql", "pg_isready", "pg_dump"].map((name) => [`usr/local/bin/${name}`, `#!/bin/sh\nexec /usr/lib/postgresql/15/bin/${name} "$@"\n`]));

/** As the official image has it; who starts it as root becomes `postgres`. */
const POSTGRES_ENTRYPOINT = `#!/bin/sh
# What the official image's entrypoint does with an empty volume and without init scripts: a superuser with a password, and everybody may log in by it.
set -e
: "\${PGDATA:=/var/lib/postgresql/data}"
[ "$1" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" && chown postgres:postgres "$PGDATA" && chmod 0700 "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=\${POSTGRES_USER:-postgres}
  printf '%s\\n' "\${POSTGRES_PASSWORD:?is needed}" > /tmp/password
  initdb -D "$PGDATA" --username "$user" --pwfile /tmp/password --auth-local trust --auth-host scram-sha-256 --no-sync > /dev/null
  rm /tmp/password
  printf '\\nhost all all all scram-sha-256\\n' >> "$PGDATA/pg_hba.conf"
  printf "listen_addresses = '*'\\nunix_socket_directories = '/var/run/postgresql'\\n" >> "$PGDATA/postgresql.conf"
  database=\${POSTGRES_DB:-$user}
  [ "$database" = postgres ] || echo "CREATE DATABASE \\"$database\\";" | postgres --single -D "$PGDATA" -j postgres > /dev/null
fi
exec "$@"
`;

/** Answers who it is in its database, by the file with its login; not well where it has none. */
const SERVICE = `
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { Client } = require("pg");

async function whoAmI() {
  const { host, port, dbname, username, password, ca } = JSON.parse(readFileSync(process.env.DB_SECRET_FILE, "utf8"));
  const client = new Client({ host, port, database: dbname, user: username, password, ssl: { ca }, connectionTimeoutMillis: 3000 });
  await client.connect();
  try {
    return (await client.query("SELECT current_user AS user, current_database() AS database")).rows[0];
  } finally {
    await client.end();
  }
}

const server = createServer((request, response) => {
  whoAmI().then((answer) => response.end(JSON.stringify(answer)), (error) => { response.statusCode = 503; response.end(error.message); });
}).listen(Number(process.env.PORT), process.env.HOST);
process.on("SIGTERM", () => server.close(() => process.exit()));
`;

function postgres(version: number, recipe: Pick<Recipe, "packages" | "copies">): Recipe {
  return {
    ...recipe,
    account: { name: "postgres", id: 999, home: "/var/lib/postgresql", owns: ["var/lib/postgresql", "var/lib/postgresql/data", "var/run/postgresql"] },
    files: { ...CLIENTS, "usr/local/bin/docker-entrypoint.sh": POSTGRES_ENTRYPOINT },
    configuration: [`ENV PATH=${PATH}:/usr/lib/postgresql/${version}/bin`, "ENV PGDATA=/var/lib/postgresql/data", "VOLUME /var/lib/postgresql/data", "EXPOSE 5432", 'ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["postgres"]'],
  };
}

/** Postgres of the npm packages, in Debian's system. */
function npmPostgres(version: number, directory: () => string): Recipe {
  return postgres(version, { packages: ["libstdc++6", "postgresql-client-15"], copies: () => ({ [directory()]: `usr/lib/postgresql/${version}` }) });
}

function postgres18(): string {
  const found = obtainOtherPostgres(18);
  if ("missing" in found) throw new Error(found.missing);
  return found.root;
}

function redis(name: "redis" | "valkey", recipe: Pick<Recipe, "packages" | "release">): Recipe {
  return {
    ...recipe,
    account: { name, id: 999, home: "/data", owns: ["data"] },
    configuration: [`ENV PATH=${PATH}`, "VOLUME /data", "WORKDIR /data", "EXPOSE 6379", `CMD ["${name}-server"]`],
  };
}

/** The images that tests run on, by the names that the product knows them by. They are no copies: what they share with the official ones is users, folders, programs and variables. */
export const RECIPES = {
  "postgres:15": postgres(15, { packages: ["postgresql-15"] }),
  "postgres:17": npmPostgres(17, () => findBinaries().directory),
  "postgres:18": npmPostgres(18, postgres18),
  "redis:7": redis("redis", { packages: ["redis-server"] }),
  "redis:8": redis("redis", { packages: ["redis-server"], release: "trixie" }),
  "valkey/valkey:8": redis("valkey", { packages: ["valkey-server", "valkey-tools"], release: "trixie" }),
  // Older than what Bulkhead supports by years: what it proves is the files of users, which every version reads, and the protocol.
  "clickhouse/clickhouse-server:25.8": {
    packages: ["clickhouse-server", "clickhouse-client", "tzdata"],
    account: { name: "clickhouse", id: 101, home: "/var/lib/clickhouse", owns: ["var/lib/clickhouse", "var/log/clickhouse-server"] },
    configuration: [`ENV PATH=${PATH}`, "VOLUME /var/lib/clickhouse", "EXPOSE 8123 8443 9000", 'CMD ["clickhouse-server"]'],
  },
  // A service: what node runs, with the drivers that the manager's library has.
  "bulkhead-tests/service:1": {
    packages: ["libstdc++6"],
    copies: () => ({ [realpathSync(process.execPath)]: "usr/local/bin/node", ...modules("pg") }),
    files: { "app/main.js": SERVICE },
    configuration: [`ENV PATH=${PATH}`, "WORKDIR /app", "USER 1000", 'CMD ["node", "/app/main.js"]'],
  },
} satisfies Record<string, Recipe>;

export type ImageName = keyof typeof RECIPES;

/** A package with all it depends on, as `/app/node_modules` has it. */
function modules(...names: readonly string[]): Record<string, string> {
  const found = new Map<string, string>();
  const visit = (name: string, from: string): void => {
    if (found.has(name)) return;
    const folder = folderOf(name, from);
    if (folder === undefined) return;
    found.set(name, folder);
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { dependencies?: Record<string, string> };
    for (const dependency of Object.keys(dependencies)) visit(dependency, folder);
  };
  for (const name of names) visit(name, __dirname);
  return Object.fromEntries([...found].map(([name, folder]) => [folder, `app/node_modules/${name}`]));
}

function folderOf(name: string, from: string): string | undefined {
  const resolver = createRequire(join(from, "index.js"));
  return resolver.resolve.paths(name)?.map((folder) => join(folder, name)).find((folder) => {
    try {
      resolver.resolve(join(folder, "package.json"));
      return true;
    } catch {
      return false;
    }
  });
}
