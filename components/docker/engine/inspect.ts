import { dockerGarbage } from "./docker-errors";
import { readDocker } from "./run-docker";

/** A container, running or not. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** As it was named when the container was made, e.g. `postgres:17`. */
  readonly image: string;
  /** `sha256:…` of the image that it was made of. */
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `NAME=value`, those of the image included. */
  readonly env: readonly string[];
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly status: string;
  readonly exitCode: number;
  /** How often Docker has started it again by itself, after it had ended. */
  readonly restarts: number;
  readonly oomKilled: boolean;
  /** Why it could not be started; empty for none. */
  readonly error: string;
  /** `starting`, `healthy` or `unhealthy`; null without a health check. */
  readonly health: string | null;
  /** Port of this machine by port and protocol of the container, e.g. `5432/tcp`; only while it runs. */
  readonly ports: Readonly<Record<string, number>>;
  readonly mounts: readonly Mount[];
}

/** What a container has mounted. */
export interface Mount {
  /** `volume`, `bind`, `tmpfs`… */
  readonly type: string;
  /** Of the volume; empty for others. */
  readonly name: string;
  /** Path inside. */
  readonly destination: string;
}

/** A network. */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of the running containers in it. */
  readonly containers: readonly string[];
}

/** A volume. */
export interface Volume {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An image that is here. */
export interface Image {
  /** `sha256:…` */
  readonly id: string;
  /** `NAME=value` */
  readonly env: readonly string[];
  /** `repository@sha256:…`, by which a registry gives out the same; empty for one that was made here. */
  readonly digests: readonly string[];
}

/** Old and new daemons and command lines each say it their way. */
const ABSENT = /no such|not found/i;

/** Containers by name; those that do not exist are not in it. */
export async function inspectContainers(names: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Container>> {
  const containers = (await inspect("container", names, signal)).map(containerOf);
  return new Map(containers.map((container) => [container.name, container]));
}

/** Undefined where there is none. */
export async function inspectNetwork(name: string, signal?: AbortSignal): Promise<Network | undefined> {
  return first(await inspect("network", [name], signal), (raw) => ({ id: textOf(raw["Id"]), name: textOf(raw["Name"]), labels: labelsOf(raw["Labels"]), containers: Object.values(recordOf(raw["Containers"])).map((entry) => textOf(recordOf(entry)["Name"])) }));
}

/** Undefined where there is none. */
export async function inspectVolume(name: string, signal?: AbortSignal): Promise<Volume | undefined> {
  return first(await inspect("volume", [name], signal), (raw) => ({ name: textOf(raw["Name"]), labels: labelsOf(raw["Labels"]) }));
}

/** Undefined where it is not here. */
export async function inspectImage(name: string, signal?: AbortSignal): Promise<Image | undefined> {
  return first(await inspect("image", [name], signal), (raw) => ({ id: textOf(raw["Id"]), env: textsOf(recordOf(raw["Config"])["Env"]), digests: textsOf(raw["RepoDigests"]) }));
}

/** The things of these names that exist. */
async function inspect(kind: "container" | "network" | "volume" | "image", names: readonly string[], signal: AbortSignal | undefined): Promise<Raw[]> {
  if (names.length === 0) return [];
  const answer = await readDocker([kind, "inspect", ...names], { signal, accept: ABSENT });
  if (!Array.isArray(answer) || answer.some((entry) => typeof entry !== "object" || entry === null)) throw dockerGarbage(`${kind} inspect`, JSON.stringify(answer));
  return answer as Raw[];
}

type Raw = Readonly<Record<string, unknown>>;

function containerOf(raw: Raw): Container {
  const config = recordOf(raw["Config"]);
  const state = recordOf(raw["State"]);
  const ports = recordOf(recordOf(raw["NetworkSettings"])["Ports"]);
  return {
    id: textOf(raw["Id"]),
    name: textOf(raw["Name"]).replace(/^\//, ""),
    image: textOf(config["Image"]),
    imageId: textOf(raw["Image"]),
    labels: labelsOf(config["Labels"]),
    env: textsOf(config["Env"]),
    status: textOf(state["Status"]),
    exitCode: typeof state["ExitCode"] === "number" ? state["ExitCode"] : 0,
    restarts: typeof raw["RestartCount"] === "number" ? raw["RestartCount"] : 0,
    oomKilled: state["OOMKilled"] === true,
    error: textOf(state["Error"]),
    health: state["Health"] === undefined || state["Health"] === null ? null : textOf(recordOf(state["Health"])["Status"]),
    ports: Object.fromEntries(Object.entries(ports).flatMap(([inside, outside]) => (Array.isArray(outside) && outside.length > 0 ? [[inside, Number(recordOf(outside[0])["HostPort"])]] : []))),
    mounts: (Array.isArray(raw["Mounts"]) ? raw["Mounts"] : []).map((mount) => {
      const { Type, Name, Destination } = recordOf(mount);
      return { type: textOf(Type), name: textOf(Name), destination: textOf(Destination) };
    }),
  };
}

function first<T>(found: readonly Raw[], make: (raw: Raw) => T): T | undefined {
  return found[0] === undefined ? undefined : make(found[0]);
}

function recordOf(value: unknown): Raw {
  return typeof value === "object" && value !== null ? (value as Raw) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(recordOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
