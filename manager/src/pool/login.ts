import { now } from "./alarm";
import { CredentialReader } from "./credentials";
import type { ConnectionTarget, Credentials, CredentialsFunction } from "./credentials";
import { toError } from "./errors";
import type { PoolState } from "./state";

/** A look is early by up to this share, so that many instances do not look together. */
const LOOK_JITTER = 0.1;

/** What a connection is opened with, and what to say if the server refuses it. */
export interface ReadLogin extends Credentials {
  /** Of the reading. */
  readonly version: number;
}

/**
 * Follows the pool's login from one user to another: reads the credentials for each new connection, afresh where the server refused them and every `credentialsRefreshMs`, and when
 * they name another user lets go of the connections of the one before: idle ones at once, lent ones when they come back. So a login can be locked once nobody uses it any more.
 */
export class Login {
  private readonly reader: CredentialReader<Credentials>;
  private user: string | undefined;
  private target: ConnectionTarget = {};
  private nextAt = -Infinity;
  private looking = false;

  constructor(
    private readonly state: PoolState,
    read: CredentialsFunction,
  ) {
    this.reader = new CredentialReader(read);
  }

  /** For a new connection; `refused` is the version of what the server has just refused. */
  async read(target: ConnectionTarget, refused: number | undefined): Promise<ReadLogin> {
    this.target = target;
    const reading = refused === undefined ? this.reader.current(target) : this.reader.refreshed(target, refused);
    const { version } = this.reader;
    const { user, password } = await reading;
    // What was read before a refresh says nothing of the user any more.
    if (version === this.reader.version) this.follow(user);
    return { user, password, version };
  }

  /** When the credentials are to be read although nobody refused them; Infinity where there is no connection whose login could be a former one. */
  get looksAt(): number {
    return this.looking || this.state.connections.size === 0 ? Infinity : this.nextAt;
  }

  /** Reads the credentials afresh. A failure says nothing of the connections that are open: they go on. */
  look(): void {
    this.looking = true;
    this.read(this.target, this.reader.version).then(
      () => this.looked(),
      (error: unknown) => {
        this.state.log("could not read the credentials", toError(error));
        this.looked();
      },
    );
  }

  private looked(): void {
    this.looking = false;
    this.putOff();
    this.state.pump(now());
  }

  private follow(user: string): void {
    if (this.user === undefined) this.putOff();
    if (user === this.user) return;
    this.user = user;
    for (const connection of [...this.state.connections]) {
      connection.formerLogin = connection.login !== undefined && connection.login !== user;
      if (connection.formerLogin && connection.state === "idle") this.state.remove(connection, "login-changed");
    }
  }

  private putOff(): void {
    this.nextAt = now() + this.state.settings.credentialsRefreshMs * (1 - LOOK_JITTER * Math.random());
    this.state.alarm.arm(this.nextAt);
  }
}
