/** How far a login came that did not succeed. */
export type LoginFailure = "password" | "refused after authentication" | "unreachable";

/** SQLSTATEs with which Postgres refuses the password itself: wrong or none set, or no such role (the same answer, on purpose). */
const PASSWORD_STATES = new Set(["28P01"]);

/**
 * Tells a wrong password from the refusals that come after it was accepted (no CONNECT, CONNECTION LIMIT, no such database, NOLOGIN) and
 * from a server that gave no verdict. Postgres authenticates first (`PerformAuthentication` in postinit.c).
 */
export function classifyLoginFailure(error: unknown): LoginFailure {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string" || !/^[0-9A-Z]{5}$/.test(code)) return "unreachable";
  if (PASSWORD_STATES.has(code)) return "password";
  // Class 57: shutting down or starting up. 28000 with no pg_hba.conf line is a refusal before authentication, but not of the password.
  return code.startsWith("57") ? "unreachable" : "refused after authentication";
}
