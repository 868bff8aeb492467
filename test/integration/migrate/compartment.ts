import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { ClientConfig } from "pg";
import type { TestServer } from "../../support/server";

/** A database with its roles as provisioning makes them, as far as migrations see them. */
export interface Compartment {
  readonly service: string;
  readonly owner: string;
  readonly readers: readonly [string, string];
  readonly password: string;
  /** URL of the migrator, as its secret has it. */
  readonly url: string;
  readonly migrator: () => ClientConfig;
  readonly login: (role: string) => ClientConfig;
  /** One query as the migrator. */
  readonly query: <Row extends object>(sql: string) => Promise<Row[]>;
}

const PASSWORD = "s3cret-of_the.test~";

/** Makes owner, migrator, app login and readonly login of `service`, and its database. */
export async function createCompartment(server: TestServer, service: string): Promise<Compartment> {
  const { port, ca, adminSecret } = server;
  const login = (user: string, database: string, password: string): ClientConfig => ({ host: "localhost", port, database, user, password, ssl: { ca } });
  await withClient(login("bulkhead_admin", "postgres", adminSecret.password), async (admin) => {
    await admin.query(`
      CREATE ROLE ${service}_owner; CREATE ROLE ${service}_app;
      GRANT ${service}_owner TO bulkhead_admin WITH SET TRUE, INHERIT TRUE;
      CREATE ROLE ${service}_migrator LOGIN PASSWORD '${PASSWORD}' CONNECTION LIMIT 5;
      GRANT ${service}_owner TO ${service}_migrator WITH INHERIT FALSE, SET TRUE;
      ALTER ROLE ${service}_migrator SET role = '${service}_owner';
      CREATE ROLE ${service}_user LOGIN PASSWORD '${PASSWORD}'; GRANT ${service}_app TO ${service}_user;
      CREATE ROLE ${service}_readonly LOGIN PASSWORD '${PASSWORD}';
    `);
    await admin.query(`CREATE DATABASE ${service}_db OWNER ${service}_owner TEMPLATE template0`);
    await admin.query(`REVOKE ALL ON DATABASE ${service}_db FROM PUBLIC; GRANT CONNECT ON DATABASE ${service}_db TO ${service}_migrator, ${service}_app, ${service}_readonly`);
  });
  // As provisioning has it: whatever the owner makes, the app may write and the readonly login may read.
  await withClient(login(`${service}_migrator`, `${service}_db`, PASSWORD), async (owner) => {
    await owner.query(`
      GRANT USAGE ON SCHEMA public TO ${service}_app, ${service}_readonly;
      ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${service}_app;
      ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${service}_readonly;
    `);
  });
  const migrator = (): ClientConfig => login(`${service}_migrator`, `${service}_db`, PASSWORD);
  return {
    service,
    owner: `${service}_owner`,
    readers: [`${service}_app`, `${service}_readonly`],
    password: PASSWORD,
    url: `postgresql://${service}_migrator:${encodeURIComponent(PASSWORD)}@localhost:${port}/${service}_db?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(server.directory, "tls", "ca.crt"))}`,
    migrator,
    login: (role) => login(role, `${service}_db`, PASSWORD),
    query: (sql) => withClient(migrator(), async (client) => (await client.query<never>(sql)).rows),
  };
}

/** Opens a client, lends it, closes it. */
export async function withClient<T>(config: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(config);
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Schema folders of one test file. */
export class Folders {
  readonly root = mkdtempSync(join(tmpdir(), "bulkhead-schemas-"));
  #next = 1;

  /** A folder with these files; a migration without a rollback gets a harmless one, unless its rollback is given as null. */
  async make(files: Readonly<Record<string, string | null>>): Promise<string> {
    const directory = join(this.root, String(this.#next++));
    await mkdir(directory);
    await this.write(directory, files);
    return directory;
  }

  async write(directory: string, files: Readonly<Record<string, string | null>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      if (text !== null) await writeFile(join(directory, name), text);
      const rollback = name.replace(/\.sql$/, ".rollback.sql");
      if (!name.includes(".rollback.") && files[rollback] === undefined) await writeFile(join(directory, rollback), "SELECT 1;\n", { flag: "a" });
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
