/** Why the password is asked for. */
export interface PasswordRequest {
  /** True when the server has just rejected the one given before: a cached token or secret must be read afresh. */
  readonly refresh: boolean;
}

/** What node-postgres is about to connect with. */
export interface ConnectionTarget {
  readonly user?: string;
  readonly database?: string;
  readonly host?: string;
  readonly port?: number;
}

/** A password that is read when a connection is opened: an IAM token, a secret that rotates. Ask afresh when `request.refresh` is set. */
export type PasswordFunction = (parameters: ConnectionTarget, request: PasswordRequest) => string | Promise<string>;

/** Reads the password for many connections with one call at a time. */
export class PasswordReader {
  /** Counts the refreshes: what was read under an earlier number is older than the latest. */
  version = 0;
  private reading: Promise<string> | undefined;
  private refreshing: Promise<string> | undefined;

  constructor(private readonly read: PasswordFunction) {}

  /** The password now; callers that come while it is being read share the answer. */
  current(parameters: ConnectionTarget): Promise<string> {
    if (this.refreshing !== undefined) return this.refreshing;
    this.reading ??= this.call(parameters, false).finally(() => (this.reading = undefined));
    return this.reading;
  }

  /** The password, after the server rejected the one that was read under `version`: read afresh, unless that was done since. */
  refreshed(parameters: ConnectionTarget, version: number): Promise<string> {
    if (version < this.version) return this.current(parameters);
    this.version++;
    this.refreshing ??= this.call(parameters, true).finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async call(parameters: ConnectionTarget, refresh: boolean): Promise<string> {
    return this.read(parameters, { refresh });
  }
}
