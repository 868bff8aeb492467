import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";
import { dockerGarbage } from "./docker-errors";
import { readDocker } from "./run-docker";

/**
 * Where the daemon is that the command line speaks to, e.g. `unix:///var/run/docker.sock`: what the environment says, else the current
 * context. For Pulumi's provider, which knows no contexts.
 *
 * @throws BulkheadError `DOCKER_MISSING`, `DOCKER_CONTEXT_UNKNOWN`, `DOCKER_REMOTE` for a daemon of another machine
 */
export async function resolveDockerHost(signal?: AbortSignal): Promise<string> {
  const host = await endpointOfContext(signal);
  requireHere(host);
  return host;
}

async function endpointOfContext(signal: AbortSignal | undefined): Promise<string> {
  const fromEnvironment = process.env["DOCKER_HOST"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return fromEnvironment;
  const host = await readDocker(["context", "inspect", "--format", "{{json .Endpoints.docker.Host}}"], { signal });
  if (typeof host !== "string" || host === "") throw dockerGarbage("context inspect", JSON.stringify(host));
  return host;
}

/** Containers get their configuration and certificates from folders of this machine, and are reached at its loopback address. */
function requireHere(host: string): void {
  if (/^(unix|npipe):\/\//.test(host) || /^tcp:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?\/?$/.test(host)) return;
  throw new BulkheadError("DOCKER_REMOTE", `Docker's command line speaks to the daemon of another machine (${redact(host)}); the docker target mounts folders of this one`, {
    hint: "docker context use default, or unset DOCKER_HOST",
  });
}
