import { checkConnectionBudget } from "../config";
import type { AppConfig } from "../config";
import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { classifyError } from "../errors/classify";
import { redact } from "../errors/redact";
import { retry } from "../errors/retry";
import type { RetryOptions } from "../errors/retry";
import { RetryBudget } from "../errors/retry-budget";
import type { Pool } from "../pool";
import { closeDatabases, connectRetryOf, followingLogins, makeDatabases, resolveDatabases } from "./config";
import type { DatabaseConfig } from "./config";
import { SessionError } from "./errors";
import type { SessionErrorCode } from "./errors";
import type { PrimaryChange } from "./primary-guard";
import type { Databases } from "./run-session";
import type { ManagerErrorState, ManagerEvent, ManagerState, StateMachine } from "./states";

/** What is done at start, and what a failure of it does. */
export interface StartOptions {
  /**
   * The configuration, or what loads it, e.g. `() => configManager.load()`. A function is called again by `reinitialize`; and where the server refuses the login, and every five minutes, for the
   * login alone: so a rotated secret is followed, also to another user.
   */
  readonly config: DatabaseConfig | AppConfig | (() => DatabaseConfig | AppConfig | Promise<DatabaseConfig | AppConfig>);
  /** Brings the schema up, or looks whether it is there. */
  readonly schema?: {
    readonly initialize: (primary: Pool) => unknown;
    /** "fail": the start fails (default). "go-on": it is reported, and the service starts without. */
    readonly onFailure?: "fail" | "go-on";
  };
  /** Starts whatever watches the pools. Its failure is reported, and never fails the start. */
  readonly monitoring?: { readonly start: (pools: { readonly primary: Pool; readonly replica: Pool | undefined }) => unknown };
}

/** A step at start that failed, and what was done about it. */
export interface StartFailure {
  readonly state: ManagerErrorState;
  readonly error: unknown;
  readonly strategy: "retry" | "go-on" | "keep" | "give-up";
}

/** What `start` tells and asks its manager. */
export interface StartContext {
  readonly machine: StateMachine<ManagerState, ManagerEvent>;
  readonly onFailure: (failure: StartFailure) => void;
  readonly onPrimaryChange: (change: PrimaryChange) => void;
  /** Whether pools from before serve on when this start fails. */
  readonly keeps: boolean;
  readonly signal: AbortSignal;
}

/** Attempts for loading the configuration, and for the schema, the first included; pauses are those of `retry`. */
const CONFIG_RETRY: RetryOptions = { attemptsMax: 3, deadlineMs: 60_000 };
const NO_RETRY: RetryOptions = { attemptsMax: 1, deadlineMs: 60_000 };
/** A migration may be long. */
const SCHEMA_RETRY: RetryOptions = { attemptsMax: 3, deadlineMs: 600_000 };
/** Monitoring that does not come up is not waited for. */
const MONITORING_TIMEOUT_MS = 5_000;

/**
 * Goes from `loading-config` to `ready` step by step. Throws where a step fails for good; then everything that was opened is closed again and the
 * machine is in `manual-intervention`, or back in `ready` where pools from before serve on.
 */
export async function start(options: StartOptions, context: StartContext): Promise<Databases> {
  const { machine } = context;
  let databases: Databases | undefined;
  try {
    const config = await step(context, STEPS.config, CONFIG_RETRY, async () => (typeof options.config === "function" ? options.config() : options.config));
    machine.fire("done");
    const made = await step(context, STEPS.url, NO_RETRY, async () => {
      const resolved = resolveDatabases(config);
      return makeDatabases(typeof options.config === "function" ? followingLogins(resolved, options.config) : resolved, context.onPrimaryChange);
    });
    databases = made;
    machine.fire("done");
    await step(context, STEPS.connect, connectRetryOf(config), async () => {
      const client = await made.primary.connect();
      try {
        if (!("url" in config)) await checkConnectionBudget(config, client);
      } finally {
        client.release();
      }
    });
    machine.fire("done");
    await initializeSchema(options, context, made);
    await startMonitoring(options, context, made);
    return made;
  } catch (error) {
    if (databases !== undefined) await closeDatabases(databases, 0);
    throw error;
  }
}

async function initializeSchema({ schema }: StartOptions, context: StartContext, { primary }: Databases): Promise<void> {
  if (schema === undefined) return context.machine.fire("done");
  const goesOn = schema.onFailure === "go-on";
  const ok = await step(context, STEPS.schema, SCHEMA_RETRY, async () => schema.initialize(primary), goesOn).then(
    () => true,
    (error: unknown) => {
      if (!goesOn) throw error;
      return false;
    },
  );
  if (ok) context.machine.fire("done");
}

async function startMonitoring({ monitoring }: StartOptions, { machine, onFailure }: StartContext, { primary, replica }: Databases): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`monitoring did not start within ${MONITORING_TIMEOUT_MS} ms`)), MONITORING_TIMEOUT_MS);
    });
    await Promise.race([(async () => monitoring?.start({ primary, replica: replica?.pool }))(), late]);
    machine.fire("done");
  } catch (error) {
    machine.fire("fail");
    onFailure({ state: "monitoring-failed", error, strategy: "go-on" });
    machine.fire("go-on");
  } finally {
    clearTimeout(timer);
  }
}

/** What a step is called in the state machine and in errors. Errors of one without a code are passed on as they are. */
interface Step {
  readonly state: ManagerErrorState;
  readonly code?: SessionErrorCode;
  readonly what?: string;
}

const STEPS = {
  config: { state: "config-failed", code: "MANAGER_CONFIG_FAILED", what: "The configuration could not be loaded" },
  url: { state: "url-invalid" },
  connect: { state: "connection-failed", code: "MANAGER_CONNECT_FAILED", what: "No connection to the primary could be opened" },
  schema: { state: "schema-failed", code: "MANAGER_SCHEMA_FAILED", what: "The schema could not be initialised" },
} as const satisfies Record<string, Step>;

/** One step with its attempts; the machine goes through the step's error state at each failure. */
async function step<T>(context: StartContext, { state, code, what }: Step, attempts: RetryOptions, run: () => Promise<T>, goesOn = false): Promise<T> {
  const { machine, onFailure, signal } = context;
  let failedIn = false;
  let over = false;
  try {
    return await retry(
      async () => {
        if (failedIn) machine.fire("retry");
        failedIn = false;
        try {
          return await run();
        } catch (error) {
          // An attempt that the deadline gave up may end long after the machine went on.
          if (!over) machine.fire("fail");
          failedIn = true;
          throw error;
        }
      },
      // A budget of its own: a start must not live on what requests left over.
      { budget: new RetryBudget(), ...attempts, signal, onRetry: ({ error }) => onFailure({ state, error, strategy: "retry" }) },
    );
  } catch (cause) {
    over = true;
    // The deadline may have ended an attempt from outside.
    if (!failedIn && machine.may("fail")) machine.fire("fail");
    const strategy = goesOn ? "go-on" : context.keeps ? "keep" : "give-up";
    const error = code === undefined ? cause : failureOf(code, what ?? "", cause);
    onFailure({ state, error, strategy });
    if (machine.may(strategy)) machine.fire(strategy);
    throw error;
  }
}

function failureOf(code: SessionErrorCode, what: string, cause: unknown): Error {
  // A ConfigError names every problem already.
  if (code === "MANAGER_CONFIG_FAILED" && cause instanceof BulkheadError) return cause;
  // There was a connection; the error says what is wrong with the pool.
  if (cause instanceof BulkheadError && cause.code === "CONFIG_POOL_OVER_BUDGET") return cause;
  const { meaning } = classifyError(cause);
  const hint = (cause as Partial<BulkheadError>).hint;
  return new SessionError(code, `${what} (${meaning}): ${redact(messageOf(cause)).slice(0, 500)}`, hint ?? "Mend the cause, then call reinitialize().", cause);
}
