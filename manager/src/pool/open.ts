import type { Client } from "pg";
import { closeClient, destroySocket } from "./connection";
import type { Connection } from "./connection";
import { CredentialReader } from "./credentials";
import type { ConnectionTarget, Credentials } from "./credentials";
import { isAuthenticationFailure } from "./errors";
import type { Login } from "./login";
import { STARTUP_GUCS } from "./options";
import type { ClientConstructor, PoolOptions, ResolvedOptions } from "./options";

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
  private readonly passwords: CredentialReader<string> | undefined;
  private readonly setUpSql: string;

  /** @param login where the pool has a credentials function */
  constructor(
    private readonly options: PoolOptions,
    resolved: ResolvedOptions,
    private readonly login: Login | undefined,
    private readonly ClientClass: ClientConstructor,
    private readonly steps: OpeningSteps,
  ) {
    this.passwords = typeof options.password === "function" ? new CredentialReader(options.password) : undefined;
    this.setUpSql = resolved.pooler === "session" ? setStatements(options) : "";
  }

  /** A client that is not connected yet. With credentials that are read it only stands for the one that will connect. */
  newClient(): Client {
    return this.adopted(this.passwords === undefined ? {} : { password: (target: ConnectionTarget) => this.passwords?.current(target) });
  }

  /**
   * Connects and sets up the connection's client; where password or credentials are read and the server refuses them, a second one with what is read afresh.
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
    if (this.login !== undefined) await this.connectWithLogin(connection, this.login, undefined);
    else await this.connectWithPassword(connection);
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

  private async connectWithPassword(connection: Connection): Promise<void> {
    const { passwords } = this;
    const version = passwords?.version ?? 0;
    try {
      await connect(connection.client);
    } catch (error) {
      if (passwords === undefined || !isAuthenticationFailure(error) || connection.state === "closed") throw error;
      closeClient(connection.client, false, () => undefined);
      connection.client = this.adopted({ password: (target: ConnectionTarget) => passwords.refreshed(target, version) });
      await connect(connection.client);
    }
  }

  /** @param refused the version of the login that the server refused; undefined at the first attempt */
  private async connectWithLogin(connection: Connection, login: Login, refused: number | undefined): Promise<void> {
    const { host, port, database } = connection.client;
    const { user, password, version } = await login.read({ host, port, database }, refused);
    if (connection.state === "closed") return;
    connection.login = user;
    connection.client = this.adopted({ user, password });
    try {
      await connect(connection.client);
    } catch (error) {
      if (refused !== undefined || !isAuthenticationFailure(error) || connection.state !== "opening") throw error;
      closeClient(connection.client, false, () => undefined);
      await this.connectWithLogin(connection, login, version);
    }
  }

  private adopted(secret: Partial<Credentials> | { readonly password: (target: ConnectionTarget) => unknown }): Client {
    const { options } = this;
    const config: Record<string, unknown> = {
      ...options,
      // Deadlines are the pool's: pg's own cover neither set-up nor what happens to the connection afterwards.
      connectionTimeoutMillis: 0,
      query_timeout: undefined,
      // pg warns of it and will drop it; the pool's own promises are of this class all the same.
      Promise: undefined,
      keepAlive: options.keepAlive ?? true,
      keepAliveInitialDelayMillis: options.keepAliveInitialDelayMillis ?? KEEP_ALIVE_DELAY_MS,
      ...secret,
    };
    if (this.setUpSql !== "") for (const guc of STARTUP_GUCS) config[guc] = undefined;
    const client = new this.ClientClass(config);
    this.steps.adopt(client);
    return client;
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
