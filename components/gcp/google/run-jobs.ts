import { callGoogle } from "./clients";
import type { GoogleClients } from "./clients";

const PERMISSION = "roles/run.developer, or run.jobs.run with run.executions.get and .cancel";

/** Where an execution stands. */
export interface ExecutionState {
  readonly done: boolean;
  readonly succeeded: boolean;
  /** Why it did not, in Cloud Run's words. */
  readonly reason: string | undefined;
}

/**
 * Starts one execution of a Cloud Run job, one task and no retry, with variables of its own. Not to be aborted: an execution whose name
 * nobody has heard could not be cancelled.
 *
 * @returns the execution's full name, `projects/…/executions/…`
 */
export async function startExecution(clients: GoogleClients, job: string, { variables, timeoutMs }: { readonly variables: Readonly<Record<string, string>>; readonly timeoutMs: number }): Promise<string> {
  const { project, region } = clients.settings;
  const client = await clients.runJobs();
  const what = `starting the job ${job}`;
  const [operation] = await callGoogle(
    () =>
      client.runJob(
        { name: `projects/${project}/locations/${region}/jobs/${job}`, overrides: { containerOverrides: [{ env: Object.entries(variables).map(([name, value]) => ({ name, value })) }], taskCount: 1, timeout: { seconds: Math.ceil(timeoutMs / 1000) } } },
        { retry: null },
      ),
    { what, permission: PERMISSION },
  );
  const name = (operation.metadata as { name?: string | null } | null)?.name;
  if (name === undefined || name === null || name === "") throw new Error(`${what}: Cloud Run did not name the execution`);
  return name;
}

export async function readExecution(clients: GoogleClients, name: string, signal?: AbortSignal): Promise<ExecutionState> {
  const client = await clients.runExecutions();
  const [execution] = await callGoogle(() => client.getExecution({ name }, { retry: null }), { what: `looking at the execution ${lastPart(name)}`, permission: PERMISSION, signal, repeatable: true });
  const succeeded = (execution.succeededCount ?? 0) > 0;
  const over = execution.completionTime !== null && execution.completionTime !== undefined;
  const problem = execution.conditions?.find(({ state, message }) => state === "CONDITION_FAILED" && message)?.message ?? undefined;
  return { done: over, succeeded, reason: succeeded ? undefined : (problem ?? ((execution.cancelledCount ?? 0) > 0 ? "it was cancelled" : undefined)) };
}

/** Asks Cloud Run to stop an execution; does not wait for it. */
export async function cancelExecution(clients: GoogleClients, name: string): Promise<void> {
  const client = await clients.runExecutions();
  await callGoogle(() => client.cancelExecution({ name }, { retry: null }), { what: `cancelling the execution ${lastPart(name)}`, permission: PERMISSION });
}

export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
