import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import type { NextFunction, Request, Response } from "express";
import { AuthOperations, ConfigManager, ConnectionMonitor, DatabaseManager, EscalationPolicy, classifyError, healthHandler } from "../../manager/src";
import type { Session } from "../../manager/src";
import type { RunningService, ServiceOptions } from "../run-service";
import { hashPassword, newToken, storedForm, verifyPassword } from "./passwords";

/** For the whole of a request's work on the database: waiting for a connection, statements, COMMIT. */
const DEADLINE_MS = 10_000;
const SESSION_LIFETIME = "30 days";
/** Requests that still run when the service closes have this long. */
const GRACE_MS = 5_000;

/** auth: who a person is, and how they log in. */
export async function startAuth({ environment, port, host = "127.0.0.1", connectionLimit, log }: ServiceOptions): Promise<RunningService> {
  // 1. Configuration: read once, checked as a whole. What is wrong with it is one error that names every variable.
  const config = await new ConfigManager({ service: "auth", environment, connectionLimit }).load();

  // 2. What watches: errors by cause, the pool, and this service's own operations.
  const escalation = new EscalationPolicy({ onAlert: ({ level, reason, group }) => log(`${level}: ${group.error.meaning} (${reason})`) });
  const operations = new AuthOperations({ escalation });
  const monitor = new ConnectionMonitor({ name: "auth", slowQueryMs: config.monitoring.slowQueryThresholdMs, log });

  // 3. The database. The schema is the migrator's business (`npm run up`): the service only looks whether it is there.
  const database = new DatabaseManager({
    config,
    escalation,
    schema: { initialize: (primary) => primary.query("SELECT FROM users, sessions LIMIT 0") },
    monitoring: { start: ({ primary }) => (config.monitoring.enabled ? monitor.watch(primary) : undefined) },
  });
  await database.open();

  // 4. HTTP.
  const app = express();
  app.disable("x-powered-by");
  app.use(healthHandler({ monitors: [monitor], details: environment.get("HEALTH_TOKEN") ?? (() => false) }));
  app.use(express.json({ limit: "16kb" }));
  app.get("/operations", (_request, response) => void response.json(operations.stats()));
  app.post("/register", (request, response) => register(database, request, response));
  app.post("/login", (request, response) => login(database, operations, request, response));
  app.post("/refresh", (request, response) => refresh(database, operations, request, response));
  app.post("/logout", (request, response) => logout(database, request, response));
  app.use(answerError);

  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });

  // 5. The end: first nobody gets in, then what runs gets its grace, then the database goes.
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    await closed;
    clearTimeout(timer);
    await database.close({ graceMs: 0 });
  };
  return { port: (server.address() as AddressInfo).port, close };
}

async function register(database: DatabaseManager, request: Request, response: Response): Promise<void> {
  const email = textOf(request, "email").trim().toLowerCase();
  const username = textOf(request, "username").trim();
  // Slow work comes before the session: a connection that is held waits for nothing but the database.
  const passwordHash = await hashPassword(textOf(request, "password"));
  const id = await database.session({ operation: "user.register", deadlineMs: DEADLINE_MS }, async (session) => {
    const { rows } = await session.query<{ id: string }>("INSERT INTO users (email, username, password_hash) VALUES ($1, $2, $3) RETURNING id", [email, username, passwordHash]);
    return rows[0]?.id;
  });
  response.status(201).json({ id });
}

async function login(database: DatabaseManager, operations: AuthOperations, request: Request, response: Response): Promise<void> {
  const email = textOf(request, "email").trim().toLowerCase();
  const password = textOf(request, "password");
  // Reading may be repeated, so a lost connection or a stale primary is not seen by the user.
  const user = await database.executeWithRetry({ operation: "user.find", readOnly: true, deadlineMs: DEADLINE_MS }, async (session) => {
    const { rows } = await session.query<{ id: string; password_hash: string | null }>("SELECT id, password_hash FROM users WHERE email = $1", [email]);
    return rows[0];
  });
  if (!(await verifyPassword(password, user?.password_hash)) || user === undefined) {
    operations.failed("login", user === undefined ? "unknown-user" : "wrong-password");
    response.status(401).json({ error: "wrong address or password" });
    return;
  }
  const refreshToken = await database.session({ operation: "session.begin", user: user.id, deadlineMs: DEADLINE_MS }, (session) => beginSession(session, user.id));
  operations.succeeded("login");
  response.json({ userId: user.id, refreshToken });
}

/** Exchanges a token for the next one. It is good once: one transaction takes the old away and gives the new, so two callers never both succeed. */
async function refresh(database: DatabaseManager, operations: AuthOperations, request: Request, response: Response): Promise<void> {
  const stored = storedForm(textOf(request, "refreshToken"));
  const outcome = await database.session({ operation: "session.refresh", deadlineMs: DEADLINE_MS }, async (session) => {
    const { rows } = await session.query<{ user_id: string; expired: boolean }>("DELETE FROM sessions WHERE refresh_token = $1 RETURNING user_id, expires_at <= now() AS expired", [stored]);
    const found = rows[0];
    if (found === undefined) return { refused: "unknown" };
    if (found.expired) return { refused: "expired" };
    return { userId: found.user_id, refreshToken: await beginSession(session, found.user_id) };
  });
  if (outcome.refused !== undefined) {
    operations.failed("token", outcome.refused);
    response.status(401).json({ error: "the token is not valid" });
    return;
  }
  operations.succeeded("token");
  response.json(outcome);
}

async function logout(database: DatabaseManager, request: Request, response: Response): Promise<void> {
  const stored = storedForm(textOf(request, "refreshToken"));
  // Twice is as good as once, so it is repeated also after its connection was lost in the middle of it.
  await database.executeWithRetry({ operation: "session.end", idempotent: true, deadlineMs: DEADLINE_MS }, (session) => session.query("DELETE FROM sessions WHERE refresh_token = $1", [stored]));
  response.status(204).end();
}

async function beginSession(session: Session, userId: string): Promise<string> {
  const { token, stored } = newToken();
  await session.query("INSERT INTO sessions (user_id, refresh_token, expires_at) VALUES ($1, $2, now() + $3::interval)", [userId, stored, SESSION_LIFETIME]);
  return token;
}

/** The request lacks something; `status` is what Express' own errors have too. */
class BadRequest extends Error {
  readonly status = 400;
}

function textOf(request: Request, field: string): string {
  const value = (request.body as Record<string, unknown> | undefined)?.[field];
  if (typeof value !== "string" || value.trim() === "" || value.length > 1_000) throw new BadRequest(`${field} is missing`);
  return value;
}

/**
 * What a failure means for the client, by its class; its text stays here. 503 says "nothing was changed, try again"; only `unknown-outcome` cannot say that, and
 * so has a word of its own: the client logs in again.
 */
function answerError(error: unknown, _request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) return next(error);
  const status = (error as { status?: unknown }).status;
  if (typeof status === "number" && status >= 400 && status < 500) return void response.status(status).json({ error: (error as Error).message });
  const { class: errorClass, userImpact } = classifyError(error);
  if (errorClass === "constraint") return void response.status(409).json({ error: "address or name is taken, or not allowed" });
  if (errorClass === "unknown-outcome") return void response.status(503).json({ error: "outcome unknown" });
  const unavailable = userImpact === "service-unavailable" || ["connection", "timeout", "resource", "serialization", "deadlock"].includes(errorClass);
  response.status(unavailable ? 503 : 500).json({ error: unavailable ? "not available, try again" : "failed" });
}
