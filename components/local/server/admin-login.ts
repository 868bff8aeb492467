import { Client } from "pg";
import { ADMIN_ROLE } from "../../postgres/superuser-statements";

/**
 * What a login as the admin showed. `ok`: this is our server (it has the key of our certificate) and the password is right. `full`: ours,
 * but out of connections. `wrong-password`: ours, and the password is not. `stranger`: something else listens there, or with another
 * certificate. `busy`: ours, starting up or shutting down. `refused`: nobody listens. `silent`: somebody does and does not answer in time.
 */
export type LoginResult = "ok" | "full" | "wrong-password" | "stranger" | "busy" | "refused" | "silent";

/** How long a login may take, in milliseconds. */
export const LOGIN_TIMEOUT_MS = 10_000;

/** The last three are IPv6 on a machine that has none. */
const NOBODY_LISTENS = new Set(["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH", "EAFNOSUPPORT"]);

/** Logs in over one loopback address, with full verification of the server, and out again. */
export async function tryAdminLogin(address: "127.0.0.1" | "::1", port: number, password: string, ca: string): Promise<LoginResult> {
  const client = new Client({
    host: address,
    port,
    user: ADMIN_ROLE,
    password,
    database: "postgres",
    ssl: { ca, servername: "localhost" },
    connectionTimeoutMillis: LOGIN_TIMEOUT_MS,
    application_name: "bulkhead",
    // Anything but empty: pg would take PGOPTIONS of the caller's environment instead.
    options: "-c client_min_messages=warning",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return "ok";
  } catch (error) {
    return meaningOf(error as NodeJS.ErrnoException);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function meaningOf({ code, message }: NodeJS.ErrnoException): LoginResult {
  // 28P01 invalid_password, 28000 also for a role that may not log in or is missing, 3D000 and 42501 for a database it may not enter.
  if (code === "28P01" || code === "28000" || code === "42501") return "wrong-password";
  // Before TLS only a Postgres would send these, and the certificate has been verified by the time they come.
  if (code === "53300") return "full";
  if (code === "57P03") return "busy";
  if (code === "ETIMEDOUT" || (code === undefined && /timeout/i.test(message))) return "silent";
  return code !== undefined && NOBODY_LISTENS.has(code) ? "refused" : "stranger";
}
