import { join } from "node:path";
import type { PoolOptions } from "../../../manager/src/pool";
import { DatabaseManager } from "../../../manager/src/sessions";
import type { DatabaseManagerOptions, TransitionNotice } from "../../../manager/src/sessions";
import { poolConfig } from "../../support/pool";
import type { TestServer } from "../../support/server";

/** Options under which a test runs, beside the URL. */
export interface ManagerTestOptions extends Omit<DatabaseManagerOptions, "config"> {
  readonly port?: number;
  readonly replicaPort?: number;
  readonly replicaLagMaxMs?: number;
  readonly pool?: PoolOptions;
}

/** The URL of the tests' database, as a service's secret has it. */
export function urlOf(server: TestServer, port = server.port): string {
  const { user, password, database } = poolConfig(server) as { user: string; password: string; database: string };
  return `postgresql://${user}:${encodeURIComponent(password)}@localhost:${port}/${database}?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(server.directory, "tls", "ca.crt"))}`;
}

/** Managers of one test file, closed after each test. */
export class Managers {
  #made: DatabaseManager[] = [];

  make(server: TestServer, { port, replicaPort, replicaLagMaxMs, pool, ...options }: ManagerTestOptions = {}): DatabaseManager {
    const config = { url: urlOf(server, port), replicaUrl: replicaPort === undefined ? undefined : urlOf(server, replicaPort), replicaLagMaxMs, pool: { max: 3, ...pool } };
    return this.track(new DatabaseManager({ config, ...options }));
  }

  track(manager: DatabaseManager): DatabaseManager {
    this.#made.push(manager);
    return manager;
  }

  async close(): Promise<void> {
    await Promise.all(this.#made.splice(0).map((manager) => manager.close({ graceMs: 0 })));
  }
}

/** The states that sessions pass through from now on. */
export function sessionStates(manager: DatabaseManager): string[] {
  const states: string[] = [];
  manager.on("transition", (notice: TransitionNotice) => {
    if (notice.machine === "session") states.push(notice.to);
  });
  return states;
}

/** A promise and how it is settled. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
