import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";

/** What the command line wrote is cut here: an error is read by a person. */
const SHOWN_CHARACTERS = 1_000;

/** One way in which Docker says that it cannot be used, and what a person does about it. */
interface KnownFailure {
  readonly code: string;
  readonly said: RegExp;
  readonly message: string;
  readonly hint: () => string;
}

/** In this order: a denied socket also counts as a daemon that cannot be reached. */
const KNOWN: readonly KnownFailure[] = [
  {
    code: "DOCKER_DENIED",
    said: /permission denied while trying to connect|dial unix [^:]+: connect: permission denied/i,
    message: "you may not use Docker's socket",
    hint: () =>
      process.platform === "linux"
        ? "sudo usermod -aG docker $USER, then log in anew (or newgrp docker for this shell). Members of that group can become root: rootless Docker avoids it (dockerd-rootless-setuptool.sh install)"
        : "docker context ls, and choose one of yours: docker context use NAME",
  },
  {
    code: "DOCKER_CONTEXT_UNKNOWN",
    said: /context "[^"]*"[^\n]*(not found|does not exist)|context not found/i,
    message: "Docker's command line is set to a context that does not exist",
    hint: () => `docker context ls, then docker context use default${process.env["DOCKER_CONTEXT"] === undefined ? "" : " (DOCKER_CONTEXT is set here: unset DOCKER_CONTEXT)"}`,
  },
  {
    code: "DOCKER_DOWN",
    said: /cannot connect to the docker daemon|is the docker daemon running|error during connect|connection refused|dial unix [^:]+: connect: no such file/i,
    message: "Docker's daemon does not answer",
    hint: startHint,
  },
  {
    code: "DOCKER_DISK_FULL",
    said: /no space left on device|disk quota exceeded/i,
    message: "Docker has no disk space left",
    hint: () => "see what takes it: docker system df; remove what no container uses: docker image prune -a; docker builder prune",
  },
  {
    code: "DOCKER_PORT_TAKEN",
    said: /port is already allocated|address already in use|ports are not available/i,
    message: "a port that a container is to be reached at is taken",
    hint: () => "npx bulkhead doctor says by whom",
  },
];

/** How the daemon is started, here. */
function startHint(): string {
  const host = process.env["DOCKER_HOST"];
  if (host !== undefined && host !== "") return `DOCKER_HOST is ${redact(host)}: start the daemon there, or unset DOCKER_HOST`;
  if (process.platform === "darwin") return "open -a Docker (or start what you use instead: colima start, orb start)";
  return process.platform === "linux" ? "sudo systemctl start docker (without systemd: sudo service docker start; Docker Desktop: systemctl --user start docker-desktop)" : "start Docker Desktop";
}

/** The program itself is not there. */
export function dockerMissing(cause: unknown): BulkheadError {
  const install = process.platform === "darwin" ? "brew install --cask docker && open -a Docker" : "sudo apt-get install docker.io (Debian, Ubuntu), or Docker Desktop";
  return new BulkheadError("DOCKER_MISSING", "there is no program docker on the PATH, and the docker target needs it", { hint: `${install}. Without Docker: pulumi config set target local`, cause });
}

/** The command line did not end in time. */
export function dockerTimeout(what: string, timeoutMs: number): BulkheadError {
  return new BulkheadError("DOCKER_TIMEOUT", `docker ${what} did not end within ${timeoutMs / 1000} s; it was ended`, {
    hint: "see whether Docker answers: docker info. Where it does not, restart it (Linux: sudo systemctl restart docker), and look whether the disk is full or slow: df -h",
  });
}

/** What a failed call means, as far as it is known. */
export function dockerFailure(what: string, exitCode: number | null, stderr: string): BulkheadError {
  const known = KNOWN.find(({ said }) => said.test(stderr));
  const shown = shownOf(stderr);
  if (known !== undefined) return new BulkheadError(known.code, `${known.message}: ${shown}`, { hint: known.hint() });
  return new BulkheadError("DOCKER_FAILED", `docker ${what} failed (${exitCode === null ? "ended by a signal" : `exit code ${exitCode}`}): ${shown || "it said nothing"}`, { hint: "npx bulkhead doctor" });
}

/** Something answered that is no Docker, or another one than is known. */
export function dockerGarbage(what: string, output: string): BulkheadError {
  return new BulkheadError("DOCKER_ANSWER_UNREADABLE", `docker ${what} answered with something else than expected: ${shownOf(output) || "nothing at all"}`, {
    hint: "see what docker is here: type docker; docker version. Docker 20.10 or newer is needed; podman's docker will not do",
  });
}

function shownOf(output: string): string {
  const text = redact(output).trim();
  return text.length > SHOWN_CHARACTERS ? `… ${text.slice(-SHOWN_CHARACTERS)}` : text;
}

/** Codes of errors that say that Docker as a whole cannot be used, rather than that one thing failed. */
const UNUSABLE = new Set(["DOCKER_MISSING", "DOCKER_DENIED", "DOCKER_CONTEXT_UNKNOWN", "DOCKER_DOWN", "DOCKER_TIMEOUT", "DOCKER_ANSWER_UNREADABLE", "DOCKER_REMOTE"]);

/** Whether an error says that Docker as a whole cannot be used. */
export function isDockerUnusable(error: unknown): error is BulkheadError {
  return error instanceof BulkheadError && UNUSABLE.has(error.code);
}
