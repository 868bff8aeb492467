import type { ProgramResult } from "../../local/server/run-program";
import { dockerFailure } from "./docker-errors";
import { callDocker, endDocker, readDockerLines } from "./run-docker";

/** A container starts in a second; on a machine that has just booted it may take its time. */
const START_TIMEOUT_MS = 60_000;
/** For what Docker does around a stop. */
const STOP_MARGIN_MS = 20_000;
const REMOVE_TIMEOUT_MS = 60_000;
const ABSENT = /no such|not found|is not running/i;

/** A line of `docker ps`. */
export interface ListedContainer {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  /** As `docker ps` shows it, e.g. `127.0.0.1:5432->5432/tcp`. */
  readonly ports: string;
}

/** Containers that all of the filters hold for, e.g. `label=bulkhead.stack=dev` or `volume=name`. Stopped ones too, unless `onlyRunning`. */
export async function listContainers(filters: readonly string[], { onlyRunning = false, signal }: { readonly onlyRunning?: boolean; readonly signal?: AbortSignal | undefined } = {}): Promise<ListedContainer[]> {
  const lines = await readDockerLines(["ps", "--no-trunc", ...(onlyRunning ? [] : ["--all"]), ...filters.flatMap((filter) => ["--filter", filter]), "--format", "{{json .}}"], { signal });
  return lines.map((line) => {
    const { ID, Names, State, Ports } = line as Partial<Record<"ID" | "Names" | "State" | "Ports", string>>;
    return { id: ID ?? "", name: (Names ?? "").split(",")[0]!, running: State === "running" || State === "paused" || State === "restarting", ports: Ports ?? "" };
  });
}

/** Starts containers by name or id; those that run already stay as they are. */
export async function startContainers(names: readonly string[], signal?: AbortSignal): Promise<void> {
  if (names.length > 0) await callDocker(["start", ...names], { timeoutMs: START_TIMEOUT_MS, signal });
}

/**
 * Asks containers to end, and kills those that have not after `graceSeconds`. Those that are gone already are no error. Not to be cancelled:
 * what is stopped half is neither.
 */
export async function stopContainers(names: readonly string[], graceSeconds: number): Promise<void> {
  if (names.length > 0) await callDocker(["stop", "-t", String(graceSeconds), ...names], { timeoutMs: graceSeconds * 1000 * names.length + STOP_MARGIN_MS, accept: ABSENT });
}

/** Stops a container as `stopContainers` does, and starts it again. */
export async function restartContainer(name: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
  await callDocker(["restart", "-t", String(graceSeconds), name], { timeoutMs: graceSeconds * 1000 + START_TIMEOUT_MS, signal });
}

/** Removes stopped containers; those that are gone already are no error. */
export async function removeContainers(names: readonly string[]): Promise<void> {
  if (names.length > 0) await callDocker(["rm", ...names], { timeoutMs: REMOVE_TIMEOUT_MS, accept: ABSENT });
}

/** What is run inside of a running container. */
export interface ContainerCommand {
  readonly container: string;
  /** User inside. Default: the image's. */
  readonly user?: string;
  readonly command: readonly [string, ...string[]];
  readonly input?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What Docker itself says of a container that nothing can be run in; everything else is the command's word. */
const REFUSED = /^(error response from daemon|error: no such container|cannot connect to the docker daemon|(got )?permission denied while trying|error during connect|oci runtime exec failed)/im;

/**
 * Runs a command inside a container; how it ended is for the caller to judge. A call that times out leaves the command itself running
 * there: what may wait needs a bound of its own.
 *
 * @throws what `callDocker` throws, where the command could not be run at all
 */
export async function execInContainer({ container, user, command, input = "", timeoutMs, signal }: ContainerCommand): Promise<ProgramResult> {
  const result = await endDocker(["exec", "-i", ...(user === undefined ? [] : ["-u", user]), container, ...command], { input, timeoutMs, signal });
  if (result.exitCode !== 0 && REFUSED.test(`${result.stderr}\n${result.stdout}`)) throw dockerFailure(`exec ${container}`, result.exitCode, result.stderr || result.stdout);
  return result;
}
