import { isIP } from "node:net";
import { DatabaseUrlError, isSocketHost } from "./database-url";
import type { DatabaseUrl, DatabaseUrlErrorCode } from "./database-url";
import { sslModeOf } from "./parameters";
import { parseDatabaseUrl } from "./parse";
import type { ParseOptions } from "./parse";

/** One thing that is wrong with a URL (`error`), or works but may not do what was meant (`warning`). Holds no password. */
export interface DatabaseUrlProblem {
  readonly severity: "error" | "warning";
  /** Stable, for programs. */
  readonly code: DatabaseUrlErrorCode | "DATABASE_URL_NO_USER" | "DATABASE_URL_NO_DATABASE" | "DATABASE_URL_NO_HOST" | "DATABASE_URL_UNVERIFIED" | "DATABASE_URL_ANY_SERVER";
  readonly message: string;
  readonly hint: string | undefined;
}

/** All that is wrong with a URL; empty where nothing is. Never throws. An error hides what comes after it, as the rest cannot be read. */
export function validateDatabaseUrl(url: string, options: ParseOptions = {}): DatabaseUrlProblem[] {
  try {
    return warnings(parseDatabaseUrl(url, options), options.dialect ?? "libpq");
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    return [{ severity: "error", code: error.code, message: error.message, hint: error.hint }];
  }
}

function warnings(url: DatabaseUrl, dialect: string): DatabaseUrlProblem[] {
  const problems: DatabaseUrlProblem[] = [];
  const warn = (code: DatabaseUrlProblem["code"], message: string, hint: string): void => void problems.push({ severity: "warning", code, message, hint });
  if (url.user === undefined) warn("DATABASE_URL_NO_USER", "No user is named, so the login is that of the operating system's user.", "write postgresql://user@host/database");
  if (url.database === undefined) warn("DATABASE_URL_NO_DATABASE", "No database is named, so it is the one with the user's name.", "write postgresql://user@host/database");
  if (url.hosts.some(({ host }) => host === "") && url.params["hostaddr"] === undefined) warn("DATABASE_URL_NO_HOST", "No host is named: libpq takes its socket folder, other drivers localhost.", "name the host");
  const remote = url.hosts.some(({ host }) => !isSocketHost(host) && !isLoopback(host));
  if (dialect === "libpq" && remote && sslModeOf(url.params) !== "verify-full") {
    warn("DATABASE_URL_UNVERIFIED", "The server is not verified: whoever can redirect the connection can read it.", "add sslmode=verify-full and sslrootcert=<file of the authority> (or system)");
  }
  if (dialect === "libpq" && url.hosts.length > 1 && (url.params["target_session_attrs"] ?? "any") === "any") {
    warn("DATABASE_URL_ANY_SERVER", "With several hosts the first that answers is taken, also a standby that refuses writes.", "add target_session_attrs=read-write");
  }
  return problems;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
