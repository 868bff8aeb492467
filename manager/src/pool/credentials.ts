/** Why a password, or a login, is asked for. */
export interface PasswordRequest {
  /** True when what was given before must not be given again from a cache: the server has just refused it, or it has grown old. */
  readonly refresh: boolean;
}

/** What node-postgres is about to connect with. */
export interface ConnectionTarget {
  readonly user?: string | undefined;
  readonly database?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** A password that is read when a connection is opened: an IAM token, a secret whose password rotates. Read it anew when `request.refresh` is set. */
export type PasswordFunction = (target: ConnectionTarget, request: PasswordRequest) => string | Promise<string>;

/** Who logs in, and with what. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * User and password together, read before a connection is opened: for a secret that changes to another login. Read it anew when `request.refresh` is set, and give what was read then to
 * the calls that come after. `target` has no user.
 */
export type CredentialsFunction = (target: ConnectionTarget, request: PasswordRequest) => Credentials | Promise<Credentials>;

/** Reads a secret for many connections with one call at a time. */
export class CredentialReader<T> {
  /** Counts the refreshes: what was read under an earlier number is older than the latest. */
  version = 0;
  private reading: Promise<T> | undefined;
  private refreshing: Promise<T> | undefined;

  constructor(private readonly read: (target: ConnectionTarget, request: PasswordRequest) => T | Promise<T>) {}

  /** The secret now; callers that come while it is being read share the answer. */
  current(target: ConnectionTarget): Promise<T> {
    if (this.refreshing !== undefined) return this.refreshing;
    this.reading ??= this.call(target, false).finally(() => (this.reading = undefined));
    return this.reading;
  }

  /** The secret, after the server refused the one that was read under `version`: read afresh, unless that was done since. */
  refreshed(target: ConnectionTarget, version: number): Promise<T> {
    if (version < this.version) return this.current(target);
    this.version++;
    this.refreshing ??= this.call(target, true).finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async call(target: ConnectionTarget, refresh: boolean): Promise<T> {
    return this.read(target, { refresh });
  }
}
