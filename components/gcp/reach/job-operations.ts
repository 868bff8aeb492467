import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";
import type { Endpoint } from "../../../manager/src/secrets/secret";
import type { OperationContext, TierOperations } from "../../../manager/src/setup/operations";
import { createRequest } from "../../../manager/src/setup/request";
import type { SetupOperation, SetupReport } from "../../../manager/src/setup/request";
import type { GoogleClients } from "../google/clients";
import { readExecutionLog } from "../google/logs";
import { cancelExecution, lastPart, readExecution, startExecution } from "../google/run-jobs";
import { findResult, isResultLine, packRequest, REQUEST_VARIABLE } from "./job-protocol";
import type { JobResult } from "./job-protocol";
import { pause } from "../google/pause";

/** A long migration takes minutes; what takes longer than this hangs. Handed to Cloud Run as well. Unit: milliseconds. */
const EXECUTION_TIMEOUT_MS = 30 * 60_000;
/** Until Cloud Run has found a place for the container and pulled the image. */
const START_TIMEOUT_MS = 5 * 60_000;
/** An eighth of the time that it has taken so far: a short execution is noticed soon, and many long ones side by side do not wear out the quota. */
const STATE_INTERVALS = { share: 1 / 8, minMs: 200, maxMs: 1_000 };
/** Logging lets a project read 60 times a minute (documentation, "Quotas and limits"), and the compartments are set up side by side. */
const LOG_INTERVAL_MS = 15_000;
/** Lines reach Logging within seconds, rarely within a minute. */
const REPORT_TIMEOUT_MS = 180_000;
const REPORT_INTERVALS_MS = [250, 500, 1_000, 2_000, 4_000];
const REPORT_INTERVAL_MAX_MS = 8_000;
/** Lines of the log that a failure without a report is told with. */
const TAIL_LINES = 15;

export interface JobOperationsOptions {
  readonly clients: GoogleClients;
  readonly stack: string;
  /** Name of the Cloud Run job. */
  readonly job: string;
  readonly endpoint: Endpoint;
  /** Sets the admin's password to that of its secret: for when the job does not get in with it. */
  readonly repairAdmin: (signal?: AbortSignal) => Promise<void>;
}

/** The operations by a Cloud Run job beside the database: each is one execution. */
export function jobOperations(options: JobOperationsOptions): TierOperations {
  const run = async (operation: SetupOperation, context: OperationContext): Promise<SetupReport["report"]> => {
    try {
      return await runOnce(options, operation, context);
    } catch (error) {
      if (!(error instanceof BulkheadError) || error.code !== "ADMIN_LOGIN_REFUSED") throw error;
      context.progress?.("the admin's password was another than its secret; setting it");
      await options.repairAdmin(context.signal);
      return runOnce(options, operation, context);
    }
  };
  return {
    observe: ({ probe = true, ...context }) => run({ kind: "observe", probe }, context) as ReturnType<TierOperations["observe"]>,
    setUp: ({ service, token, ...context }) => run({ kind: "setUp", service, token }, context) as ReturnType<TierOperations["setUp"]>,
    validate: ({ services = null, ...context }) => run({ kind: "validate", services }, context) as ReturnType<TierOperations["validate"]>,
  };
}

async function runOnce({ clients, stack, job, endpoint }: JobOperationsOptions, operation: SetupOperation, context: OperationContext): Promise<SetupReport["report"]> {
  const { signal, progress = () => {} } = context;
  const { project, region } = clients.settings;
  const setup = await createRequest(operation, context);
  const packed = packRequest({ setup, project, region, stack, endpoint });
  signal?.throwIfAborted();
  const execution = await startExecution(clients, job, { variables: { [REQUEST_VARIABLE]: packed }, timeoutMs: EXECUTION_TIMEOUT_MS });
  const follow = followLog({ clients, job, execution: lastPart(execution), progress, signal });
  let succeeded: boolean;
  let reason: string | undefined;
  try {
    signal?.throwIfAborted();
    ({ succeeded, reason } = await executionEnds(clients, execution, follow, signal));
  } catch (error) {
    // Nobody waits for it any more; what it has done already stays, and the next run goes on from there.
    await cancelExecution(clients, execution).catch(() => {});
    throw error;
  }
  const result = await awaitResult(setup.id, follow, signal);
  if (result === undefined) throw lost({ job, execution: lastPart(execution), project, succeeded, reason, tail: follow.lines });
  if (!result.ok) throw new BulkheadError(result.error.code, result.error.message, result.error.hint === null ? {} : { hint: result.error.hint });
  if (result.report.kind !== operation.kind) throw new BulkheadError("SETUP_DATA_BROKEN", `the job answered with a report of ${result.report.kind}, asked for ${operation.kind}`);
  return result.report.report;
}

/** The log of one execution as it grows. */
interface FollowedLog {
  readonly lines: string[];
  /** Reads what is new, and tells it. */
  read(): Promise<void>;
}

function followLog({ clients, job, execution, progress, signal }: { readonly clients: GoogleClients; readonly job: string; readonly execution: string; readonly progress: (line: string) => void; readonly signal: AbortSignal | undefined }): FollowedLog {
  const seen = new Set<string>();
  const lines: string[] = [];
  return {
    lines,
    async read() {
      for (const { id, text } of await readExecutionLog(clients, { job, execution }, signal)) {
        if (seen.has(id)) continue;
        seen.add(id);
        lines.push(text);
        if (!isResultLine(text)) progress(redact(text));
      }
    },
  };
}

async function executionEnds(clients: GoogleClients, execution: string, follow: FollowedLog, signal: AbortSignal | undefined): Promise<{ succeeded: boolean; reason: string | undefined }> {
  const startedAt = performance.now();
  let logReadAt = startedAt;
  for (;;) {
    const state = await readExecution(clients, execution, signal);
    if (state.done) return state;
    if (performance.now() - startedAt > START_TIMEOUT_MS + EXECUTION_TIMEOUT_MS) throw new BulkheadError("JOB_TIMEOUT", `the execution ${lastPart(execution)} did not end within ${(START_TIMEOUT_MS + EXECUTION_TIMEOUT_MS) / 60_000} minutes`, { hint: `gcloud run jobs executions describe ${lastPart(execution)} --region=${clients.settings.region} --project=${clients.settings.project}` });
    if (performance.now() - logReadAt > LOG_INTERVAL_MS) {
      await follow.read();
      logReadAt = performance.now();
    }
    const tookMs = performance.now() - startedAt;
    await pause(Math.min(STATE_INTERVALS.maxMs, Math.max(STATE_INTERVALS.minMs, tookMs * STATE_INTERVALS.share)), signal);
  }
}

async function awaitResult(id: string, follow: FollowedLog, signal: AbortSignal | undefined): Promise<JobResult | undefined> {
  const deadline = performance.now() + REPORT_TIMEOUT_MS;
  for (let attempt = 0; ; attempt += 1) {
    await follow.read();
    const result = findResult(id, follow.lines);
    if (result !== undefined || performance.now() > deadline) return result;
    await pause(REPORT_INTERVALS_MS[attempt] ?? REPORT_INTERVAL_MAX_MS, signal);
  }
}

function lost({ job, execution, project, succeeded, reason, tail }: { readonly job: string; readonly execution: string; readonly project: string; readonly succeeded: boolean; readonly reason: string | undefined; readonly tail: readonly string[] }): BulkheadError {
  const said = tail.filter((line) => !isResultLine(line)).slice(-TAIL_LINES);
  return new BulkheadError("JOB_NO_REPORT", redact(`the execution ${execution} of the job ${job} ${succeeded ? "ended well" : `failed${reason === undefined ? "" : ` (${reason})`}`}, but its report is not in the log${said.length === 0 ? "" : `. It said:\n${said.map((line) => `  ${line}`).join("\n")}`}`), {
    hint: `gcloud logging read 'resource.type="cloud_run_job" labels."run.googleapis.com/execution_name"="${execution}"' --project=${project}; then run the command again`,
  });
}
