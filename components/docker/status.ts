import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import type { LogOptions, TierContext, TierStatus } from "../tier";
import { whyNotOurs } from "./access-ready";
import { parseDockerConfig, serversOf } from "./config";
import { isDockerUnusable } from "./engine/docker-errors";
import { followLogs } from "./engine/follow-logs";
import { inspectContainers } from "./engine/inspect";
import type { Container } from "./engine/inspect";
import { CONTAINERS, PORTS, SERVERS, serviceContainerName } from "./names";

/** What Docker says of the tier's Postgres; also where Docker itself cannot be used. */
export async function dockerStatus(context: TierContext): Promise<TierStatus> {
  const stopped = (reason: string): TierStatus => ({ running: false, reason, version: undefined, host: "localhost", port: undefined });
  try {
    const container = (await inspectContainers([CONTAINERS.postgres], context.signal)).get(CONTAINERS.postgres);
    const reason = whyNotOurs(container, context);
    return reason === undefined ? { running: true, reason, version: versionOf(container!), host: "localhost", port: container!.ports[`${PORTS.postgres}/tcp`] } : stopped(reason);
  } catch (error) {
    if (!isDockerUnusable(error)) throw error;
    return stopped(`${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}`);
  }
}

/** What the official images say of themselves, e.g. `PG_VERSION=17.2-1.pgdg120+1`; others may say nothing. */
function versionOf({ env }: Container): string | undefined {
  const said = env.map((entry) => /^PG_VERSION=(\d+(?:\.\d+)*)/.exec(entry)?.[1]).find((version) => version !== undefined);
  return said ?? env.map((entry) => /^PG_MAJOR=(\d+)$/.exec(entry)?.[1]).find((version) => version !== undefined);
}

/**
 * Lines of a server's or a service's container.
 *
 * @throws BulkheadError `LOG_UNKNOWN`, `TIER_NOT_RUNNING` where there is no such container
 */
export async function* dockerLogs(context: TierContext, { of, follow, lines }: LogOptions): AsyncGenerator<string> {
  const catalog = context.catalog();
  const servers: readonly string[] = serversOf(catalog);
  const services = Object.keys(parseDockerConfig(context.config, catalog).services);
  const server = SERVERS.find((name) => name === of && servers.includes(name));
  if (server === undefined && !services.includes(of)) throw new BulkheadError("LOG_UNKNOWN", `stack ${context.stack} runs no ${JSON.stringify(of)} as a container; it runs ${[...servers, ...services].join(", ")}`, { hint: `npx bulkhead logs ${servers[0]!}` });
  const name = server === undefined ? serviceContainerName(context.stack, of) : CONTAINERS[server];
  const container = (await inspectContainers([name], context.signal)).get(name);
  const reason = whyNotOurs(container, context);
  // A stopped one of ours has its log still.
  if (container === undefined || (reason !== undefined && reason.startsWith("container "))) throw new BulkheadError("TIER_NOT_RUNNING", `there is no log of ${of}: ${reason ?? "it does not run"}`, { hint: "npx bulkhead up" });
  yield* followLogs(name, { follow, lines, signal: context.signal });
}
