import type { ClientConfig } from "pg";

import { messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import { withSession } from "../postgres/connect";

/** What came of a login that should be refused. */
export interface LoginAttempt {
  readonly refused: boolean;
  /** How it ended, for the report. */
  readonly detail: string;
  /** Unit: milliseconds. */
  readonly ms: number;
}

/** Tries to log in, and holds the refusal against the SQLSTATEs that it may come with. A session that opens is closed at once. */
export async function attemptLogin(config: ClientConfig, ...expectedStates: readonly string[]): Promise<LoginAttempt> {
  const startedAt = performance.now();
  const done = (refused: boolean, detail: string): LoginAttempt => ({ refused, detail, ms: performance.now() - startedAt });
  try {
    await withSession(config, async () => {});
    return done(false, "is let in");
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (typeof code === "string" && expectedStates.includes(code)) return done(true, `refused with ${code}`);
    const password = typeof config.password === "string" ? [config.password] : [];
    return done(false, `ended with ${redact(messageOf(error), password)}${typeof code === "string" ? ` (${code})` : ""}, which says nothing: it should have been refused with ${expectedStates.join(" or ")}`);
  }
}
