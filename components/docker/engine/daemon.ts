import { dockerFailure, dockerGarbage } from "./docker-errors";
import { readDocker } from "./run-docker";

/** The daemon that the command line speaks to. */
export interface Daemon {
  /** e.g. `28.2.2`. */
  readonly version: string;
  /** Folder of images, containers and volumes, on the daemon's machine: with Docker Desktop that is not this one. */
  readonly dataRoot: string;
}

/** @throws BulkheadError what says that Docker cannot be used; see `callDocker` */
export async function inspectDaemon(signal?: AbortSignal): Promise<Daemon> {
  const answer = await readDocker(["info", "--format", "{{json .}}"], { signal });
  const { ServerVersion: version, DockerRootDir: dataRoot, ServerErrors: errors } = (answer ?? {}) as { readonly ServerVersion?: unknown; readonly DockerRootDir?: unknown; readonly ServerErrors?: unknown };
  // Some versions of the command line end with 0 all the same.
  if (Array.isArray(errors) && errors.length > 0) throw dockerFailure("info", 0, errors.join("\n"));
  if (typeof version !== "string" || version === "" || typeof dataRoot !== "string") throw dockerGarbage("info", JSON.stringify(answer));
  return { version, dataRoot };
}
