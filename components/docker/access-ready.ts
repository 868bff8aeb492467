import { setTimeout as sleep } from "node:timers/promises";

import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import { redact } from "../../manager/src/errors/redact";
import type { TierContext } from "../tier";
import { endDocker } from "./engine/run-docker";
import { inspectContainers } from "./engine/inspect";
import type { Container } from "./engine/inspect";
import { isOurs, ownerOf } from "./lifecycle-ours";

/** A first start makes the data directory, and a start after a crash replays the log: on a slow disk that takes a minute or two. */
const READY_TIMEOUT_MS = 180_000;
const POLL_MS = 100;
/** A server that Docker has started again this often meanwhile will not come. */
const RESTARTS_MAX = 2;
/** After this long a person wants to know what is waited for. */
const TELL_AFTER_MS = 5_000;
const SHOWN_LOG_LINES = 12;

/** Whether a server takes its work already; the text says what it answered instead. */
export type Probe = () => Promise<{ readonly ready: true } | { readonly ready: false; readonly detail: string }>;

/**
 * Waits until the server in a container does what it is there for, by asking itself: a health check comes round every few seconds only.
 *
 * @throws BulkheadError `CONTAINER_ENDED` with its last lines, `CONTAINER_START_TIMEOUT`
 */
export async function waitUntilReady({ progress, signal }: Pick<TierContext, "progress" | "signal">, name: string, probe: Probe): Promise<void> {
  const startedAt = performance.now();
  let told = false;
  let restartsBefore: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await probe().catch((error: unknown) => ({ ready: false as const, detail: messageOf(error) }));
    if (answer.ready) return;
    // Looked at after the probe: an end that comes between the two is seen the next time.
    const container = (await inspectContainers([name], signal)).get(name);
    restartsBefore ??= container?.restarts;
    if (container === undefined || !isUp(container) || container.restarts - restartsBefore! >= RESTARTS_MAX) throw await containerEnded(name, container, signal);
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > READY_TIMEOUT_MS) throw await startTimeout(name, answer.detail, signal);
    if (waitedMs > TELL_AFTER_MS && !told) {
      progress(`waiting for ${name}: ${firstLine(answer.detail)}`);
      told = true;
    }
    // Cancelled, it ends at once, and the next look throws with the reason.
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

/** Runs now, and not just between two starts that fail. */
export function isUp({ status }: Container): boolean {
  return status === "running";
}

/** Why there is no container of ours that runs, as the end of a sentence; undefined when there is one. */
export function whyNotOurs(container: Container | undefined, context: Pick<TierContext, "stack" | "root">): string | undefined {
  if (container === undefined) return "it was not made yet, or was removed";
  if (!isOurs(container.labels, context)) return `container ${container.name} belongs to ${ownerOf(container.labels, context)}`;
  return isUp(container) ? undefined : whyDown(container);
}

/** Why a container does not run, as the end of a sentence. */
export function whyDown(container: Container | undefined): string {
  if (container === undefined) return "there is no such container";
  const { status, exitCode, oomKilled, error } = container;
  if (error !== "") return `it could not be started: ${redact(error)}`;
  if (oomKilled) return "it took more memory than it may, and was killed";
  if (status === "restarting") return `it ends with exit code ${exitCode} again and again`;
  if (status === "running") return "it ends again and again";
  if (status === "created") return "it was never started";
  if (status === "paused") return "it is paused";
  return exitCode === 0 ? "it was stopped" : `it ended with exit code ${exitCode}${exitCode === 137 ? " (it was killed)" : ""}`;
}

async function containerEnded(name: string, container: Container | undefined, signal: AbortSignal | undefined): Promise<BulkheadError> {
  const hint = container?.oomKilled === true ? `give it more: pulumi config set --path 'bulkhead:${name.replace("shared-", "")}.memoryMb' NUMBER` : `docker logs --tail 50 ${name}`;
  return new BulkheadError("CONTAINER_ENDED", `${name} does not run: ${whyDown(container)}.${container === undefined ? "" : await lastWords(name, signal)}`, { hint });
}

async function startTimeout(name: string, detail: string, signal: AbortSignal | undefined): Promise<BulkheadError> {
  return new BulkheadError("CONTAINER_START_TIMEOUT", `${name} runs, but was not ready within ${READY_TIMEOUT_MS / 1000} s: ${firstLine(detail)}.${await lastWords(name, signal)}`, { hint: `docker logs --tail 50 ${name}` });
}

/** Last lines of a container's log; empty where they cannot be had, since they are only an addition. */
async function lastWords(name: string, signal: AbortSignal | undefined): Promise<string> {
  const result = await endDocker(["logs", "--tail", String(SHOWN_LOG_LINES), name], { signal }).catch(() => undefined);
  const lines = redact(`${result?.stdout ?? ""}${result?.stderr ?? ""}`).trim();
  return lines === "" ? "" : ` Its last lines:\n${lines}`;
}

function firstLine(text: string): string {
  return redact(text).trim().split("\n")[0] ?? "";
}
