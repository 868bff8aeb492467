/** How long one command waits for another that starts or stops the same server, in milliseconds: a start and a stop, both slow. */
export const LOCK_WAIT_MS = 70_000;
