import type { Client } from "pg";
import { BulkheadError } from "../errors/bulkhead-error";
import type { PoolOptions } from "../pool";
import { sqlstateOf } from "../pool/errors";
import { closeSession } from "../postgres/connect";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifier";
import { scramVerifier } from "../postgres/scram";
import type { DatabaseSecret, Endpoint } from "../secrets/secret";
import { generatePassword } from "../secrets/secret";
import { buildDatabaseUrl } from "../url";
import { APP, OWNER, testDatabaseName } from "./names";
import { sweepTestDatabases } from "./sweep";
import { ensureTemplate } from "./template";

/** The server that test databases are made on: one with durability off, and never one with data that matter. */
export interface TestDatabaseServer {
  /** Opens a session of the server's admin (CREATEDB, CREATEROLE, member of pg_signal_backend; no superuser), never through a pooler. The callee closes it. */
  readonly openSession: (database: string) => Promise<Client>;
  readonly endpoint: Endpoint;
  /** Database that templates are cloned from, e.g. one with extensions. Default `template0`. */
  readonly base?: string;
  /** How old a test database may be before another run sweeps it away. Milliseconds; default 3,600,000. */
  readonly ttlMs?: number;
  /** A line for a person, when a template is made. Default: nobody. */
  readonly progress?: (line: string) => void;
}

/** The service whose schema a test database has. */
export interface TestService {
  readonly name: string;
  /** Its schema folder, e.g. `schemas/auth`. */
  readonly directory: string;
}

/** An empty, migrated database with a login of its own, which may do what the service's login may, and connect to no other. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly service: string;
  /** As the service's own secret would be. */
  readonly secret: DatabaseSecret;
  /** For `createPool`. */
  readonly pool: PoolOptions;
  /** Drops database and login, also when somebody is connected. Harmless when called again. */
  drop(): Promise<void>;
}

const TTL_MS = 3_600_000;
const DATABASE_MISSING = "3D000";
/** Agreed database for locks and bookkeeping. */
const ADMIN_DATABASE = "postgres";

/** Makes test databases over one session of the server's admin. Several calls at once run one after the other. `close` drops what is left. */
export class TestDatabases {
  #admin: Promise<Client> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Templates that were found or made by this instance, by service and folder. */
  readonly #templates = new Map<string, string>();
  readonly #made = new Set<TestDatabase>();
  #closed = false;

  constructor(private readonly server: TestDatabaseServer) {}

  /**
   * Clones the service's template, which is migrated first where it is missing.
   * @throws BulkheadError TEST_DATABASES_CLOSED, TEST_TEMPLATE_LOCK_HELD, and as `migrate`
   */
  async create(service: TestService): Promise<TestDatabase> {
    if (this.#closed) throw new BulkheadError("TEST_DATABASES_CLOSED", "No test database is made after close().", { hint: "Make a new TestDatabases." });
    const name = testDatabaseName(service.name, Date.now());
    const password = generatePassword();
    const verifier = scramVerifier(password);
    // Awaited below; a failure before must not leave it unhandled.
    verifier.catch(() => undefined);
    await this.#run(async (admin) => {
      await this.#clone(admin, service, name);
      await admin.query(`
        CREATE ROLE ${quoteIdentifier(name)} LOGIN PASSWORD ${quoteLiteral(await verifier)} IN ROLE ${APP};
        REVOKE ALL ON DATABASE ${quoteIdentifier(name)} FROM PUBLIC;
        GRANT CONNECT ON DATABASE ${quoteIdentifier(name)} TO ${quoteIdentifier(name)}`);
    });
    const database = this.#describe(service.name, name, password);
    this.#made.add(database);
    return database;
  }

  /** Drops every test database that this instance made, and ends its session. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#made].map((database) => database.drop()));
    await this.#last;
    const admin = await this.#admin?.catch(() => undefined);
    if (admin !== undefined) await closeSession(admin);
  }

  async #clone(admin: Client, service: TestService, name: string): Promise<void> {
    const { openSession, base = "template0", progress = () => undefined } = this.server;
    const key = `${service.name} ${service.directory}`;
    const template = async (): Promise<string> => {
      const found = await ensureTemplate(admin, { service: service.name, directory: service.directory, base, openSession, progress });
      this.#templates.set(key, found);
      return found;
    };
    // Copying files takes two checkpoints, which are cheap with durability off (nothing is flushed), and DROP DATABASE makes one anyway; the other strategy
    // writes the whole database into the log and through the buffers. Measured: docs/manager/test-databases.md.
    const copy = (from: string): Promise<unknown> => admin.query(`CREATE DATABASE ${quoteIdentifier(name)} OWNER ${OWNER} TEMPLATE ${quoteIdentifier(from)} STRATEGY file_copy`);
    try {
      await copy(this.#templates.get(key) ?? (await template()));
    } catch (error) {
      // Another process may have swept the template away.
      if (sqlstateOf(error) !== DATABASE_MISSING) throw error;
      await copy(await template());
    }
  }

  #describe(service: string, name: string, password: string): TestDatabase {
    const { host, port, ca, caPath } = this.server.endpoint;
    const url = buildDatabaseUrl({ hosts: [{ host, port }], user: name, password, database: name, params: { sslmode: "verify-full", sslrootcert: caPath } });
    const drop = (): Promise<void> => {
      if (!this.#made.delete(database)) return this.#last.then(() => undefined);
      return this.#run(async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
        await admin.query(`DROP ROLE IF EXISTS ${quoteIdentifier(name)}`);
      });
    };
    const database: TestDatabase = {
      name,
      service,
      secret: { host, port, dbname: name, username: name, password, sslmode: "verify-full", ca, url },
      pool: { host, port, database: name, user: name, password, ssl: { ca } },
      drop,
      [Symbol.asyncDispose]: drop,
    };
    return database;
  }

  /** One after the other: the session runs one statement at a time. */
  #run<T>(work: (admin: Client) => Promise<T>): Promise<T> {
    const run = this.#last.then(async () => work(await (this.#admin ??= this.#open())));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #open(): Promise<Client> {
    const admin = await this.server.openSession(ADMIN_DATABASE);
    await sweepTestDatabases(admin, this.server.ttlMs ?? TTL_MS);
    return admin;
  }
}

/** One test database, whose `drop` ends its session too. For more than a few, a `TestDatabases` is faster: it keeps one session. */
export async function createTestDatabase(service: TestService, server: TestDatabaseServer): Promise<TestDatabase> {
  const databases = new TestDatabases(server);
  try {
    const database = await databases.create(service);
    const drop = (): Promise<void> => databases.close();
    return { ...database, drop, [Symbol.asyncDispose]: drop };
  } catch (error) {
    await databases.close();
    throw error;
  }
}
