import type { Client, ClientConfig } from "pg";
import { closeClient, destroySocket } from "./connection";
import type { Connection } from "./connection";
import { isAuthenticationFailure } from "./errors";
import { STARTUP_GUCS } from "./options";
import type { ClientConstructor, PoolOptions, ResolvedOptions } from "./options";
import { PasswordReader } from "./password";
import type { ConnectionTarget } from "./password";

/** What is told while a connection is opened. */
export interface OpeningSteps {
  /** A client was made; it does not connect yet. */
  adopt(client: Client): void;
  /** The connection's client is connected and not set up yet. */
  connected(connection: Connection): void;
  /** It is set up by `onConnect`. */
  setUp(client: Client): void;
}

/** Opens connections: makes the client, connects it, sets it up. */
export class Opener {
  private readonly passwords: PasswordReader | undefined;
  private readonly setUpSql: string;

  constructor(
    private readonly options: PoolOptions,
    resolved: ResolvedOptions,
    private readonly ClientClass: ClientConstructor,
    private readonly steps: OpeningSteps,
  ) {
    this.passwords = typeof options.password === "function" ? new PasswordReader(options.password) : undefined;
    this.setUpSql = resolved.pooler === "session" ? setStatements(options) : "";
  }

  /** A client that is not connected yet. `rejectedVersion` is that of the password which the server has just rejected. */
  newClient(rejectedVersion?: number): Client {
    const client = new this.ClientClass(this.clientConfig(rejectedVersion));
    this.steps.adopt(client);
    return client;
  }

  /**
   * Connects and sets up the connection's client; with a password function, and on 28P01, a second one with the password read again.
   * Rejects as soon as the connection is closed meanwhile.
   */
  open(connection: Connection): Promise<void> {
    return new Promise((resolve, reject) => {
      connection.onClosed = reject;
      this.connectAndSetUp(connection).then(resolve, reject);
    });
  }

  /** What has to be done again after `DISCARD ALL`. */
  async prepareSession(client: Client): Promise<void> {
    if (this.setUpSql !== "") await client.query(this.setUpSql);
    if (this.options.onConnect !== undefined) await this.options.onConnect(client);
  }

  private async connectAndSetUp(connection: Connection): Promise<void> {
    const passwordVersion = this.passwords?.version;
    try {
      await connect(connection.client);
    } catch (error) {
      if (this.passwords === undefined || !isAuthenticationFailure(error) || connection.state === "closed") throw error;
      closeClient(connection.client, false, () => undefined);
      connection.client = this.newClient(passwordVersion);
      await connect(connection.client);
    }
    const { client } = connection;
    if (connection.state === "closed") {
      // Given up while it was connecting, and connected all the same.
      destroySocket(client);
      return;
    }
    this.steps.connected(connection);
    await this.prepareSession(client);
    this.steps.setUp(client);
    const { verify, validateConnection } = this.options;
    if (verify !== undefined) await new Promise<void>((resolve, reject) => verify(client, (error) => (error ? reject(error) : resolve())));
    if (validateConnection !== undefined) await validateConnection(client);
  }

  private clientConfig(rejectedVersion: number | undefined): ClientConfig {
    const { options, passwords } = this;
    const config: Record<string, unknown> = {
      ...options,
      // Deadlines are the pool's: pg's own cover neither set-up nor what happens to the connection afterwards.
      connectionTimeoutMillis: 0,
      query_timeout: undefined,
      // pg warns of it and will drop it; the pool's own promises are of this class all the same.
      Promise: undefined,
      keepAlive: options.keepAlive ?? true,
      keepAliveInitialDelayMillis: options.keepAliveInitialDelayMillis ?? KEEP_ALIVE_DELAY_MS,
    };
    if (this.setUpSql !== "") for (const guc of STARTUP_GUCS) config[guc] = undefined;
    if (passwords !== undefined) {
      config.password = (target: ConnectionTarget) => (rejectedVersion === undefined ? passwords.current(target) : passwords.refreshed(target, rejectedVersion));
    }
    return config;
  }
}

/** With Node's ten probes a second apart, an idle connection whose peer is gone is found out within 20 s. */
const KEEP_ALIVE_DELAY_MS = 10_000;

function connect(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    // `error` is null or undefined on success, depending on the client's maker.
    client.connect((error: Error | null | undefined) => (error ? reject(error) : resolve()));
  });
}

/** The GUCs that would go by startup packet, as one SET each. */
function setStatements(options: PoolOptions): string {
  return STARTUP_GUCS.flatMap((guc) => (options[guc] ? [`SET ${guc} = ${Math.trunc(Number(options[guc]))}`] : [])).join("; ");
}
