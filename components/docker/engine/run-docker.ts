import { runProgram } from "../../local/server/run-program";
import type { ProgramResult } from "../../local/server/run-program";
import { dockerFailure, dockerGarbage, dockerMissing, dockerTimeout } from "./docker-errors";

/** What looks at something takes a tenth of a second; a daemon that restores containers after a start lets it wait for longer. */
const LOOK_TIMEOUT_MS = 20_000;

/** How `docker` is called. */
export interface DockerCall {
  /** For its standard input; the place for whatever is secret, since arguments can be seen by everybody on the machine. */
  readonly input?: string;
  /** Default: 20000, for what only looks. Unit: milliseconds. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** A failure that says this is an answer, too. */
  readonly accept?: RegExp;
}

/**
 * Runs Docker's command line, which knows contexts, ssh, rootless and Desktop by itself. Bounded in time and output, and dead when this
 * returns.
 *
 * @throws BulkheadError `DOCKER_MISSING`, `DOCKER_DOWN`, `DOCKER_DENIED`, `DOCKER_CONTEXT_UNKNOWN`, `DOCKER_TIMEOUT`, `DOCKER_DISK_FULL`, `DOCKER_PORT_TAKEN`, `DOCKER_FAILED`
 */
export async function callDocker(args: readonly string[], call: DockerCall = {}): Promise<ProgramResult> {
  const result = await endDocker(args, call);
  if (result.exitCode === 0 || call.accept?.test(result.stderr)) return result;
  throw dockerFailure(whatOf(args), result.exitCode, result.stderr || result.stdout);
}

/** The same, whatever it says at its end. @throws BulkheadError `DOCKER_MISSING`, `DOCKER_TIMEOUT` */
export async function endDocker(args: readonly string[], { input, timeoutMs = LOOK_TIMEOUT_MS, signal }: DockerCall = {}): Promise<ProgramResult> {
  const startedAt = performance.now();
  let result: ProgramResult;
  try {
    result = await runProgram("docker", args, { environment: dockerEnvironment(), ...(input !== undefined && { input }), timeoutMs, signal });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT" || code === "EACCES" ? dockerMissing(error) : error;
  }
  if (result.exitCode === null && performance.now() - startedAt >= timeoutMs) throw dockerTimeout(whatOf(args), timeoutMs);
  return result;
}

/** The JSON that a call prints. @throws BulkheadError `DOCKER_ANSWER_UNREADABLE`, and what `callDocker` throws */
export async function readDocker(args: readonly string[], call: DockerCall = {}): Promise<unknown> {
  const { stdout } = await callDocker(args, call);
  return parseAnswer(args, stdout);
}

/** The JSON of each line that a call prints. */
export async function readDockerLines(args: readonly string[], call: DockerCall = {}): Promise<unknown[]> {
  const { stdout } = await callDocker(args, call);
  return stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [parseAnswer(args, line)]));
}

function parseAnswer(args: readonly string[], text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw dockerGarbage(whatOf(args), text);
  }
}

/** The call as a message names it: what comes behind the verb may be long. */
function whatOf(args: readonly string[]): string {
  return args.slice(0, 2).join(" ");
}

/** The caller's own, since contexts, credentials, proxies and ssh agents are found by it; without advertisements in the output. */
export function dockerEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, DOCKER_CLI_HINTS: "false" };
}
