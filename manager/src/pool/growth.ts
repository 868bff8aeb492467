/** What the decision to open connections is made from. */
export interface GrowthInput {
  /** Callers that wait and may be served. */
  readonly waiting: number;
  /** How long the one that waits longest has waited, in milliseconds. */
  readonly longestWaitMs: number;
  /** Connections that are open and will come back (lent, being validated, being cleaned). */
  readonly open: number;
  /** Connections being opened. */
  readonly connecting: number;
  /** How many more the pool may hold. */
  readonly room: number;
  /** How long a loan lasts, as measured; undefined before the first return. */
  readonly holdMs: number | undefined;
  /** How long opening takes, as measured; undefined before the first success. */
  readonly connectMs: number | undefined;
}

/**
 * How many connections to open now. Callers wait on the pool, so a new connection is of use only where the open ones would take longer to
 * work off the queue than opening takes. In a spike on a warm pool (5 open, 45 waiting, 2 ms a loan, 150 ms to open) that is none. Where nothing
 * has been measured, or nothing is open, each waiter gets one, as far as there is room.
 */
export function connectionsToOpen(input: GrowthInput): number {
  const { waiting, open, connecting, room, holdMs, connectMs } = input;
  if (waiting <= connecting || room <= 0) return 0;
  const wanted = Math.min(waiting - connecting, room);
  if (open === 0 || holdMs === undefined || connectMs === undefined) return wanted;
  if (input.longestWaitMs >= connectMs) return wanted;
  const available = open + connecting;
  const drainMs = (waiting * holdMs) / available;
  if (drainMs <= connectMs) return 0;
  const needed = Math.ceil((waiting * holdMs) / Math.max(connectMs, holdMs)) - connecting;
  return Math.max(1, Math.min(wanted, needed));
}

/** A running mean that weighs the newest eighth, as TCP does for its round-trip time (RFC 6298). */
export function smoothed(mean: number | undefined, sample: number): number {
  return mean === undefined ? sample : mean + (sample - mean) / 8;
}
