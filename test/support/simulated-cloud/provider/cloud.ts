import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Values } from "./property-values";

/** A resource as the cloud has it. */
export interface CloudResource {
  /** Type token: `gcp:sql/databaseInstance:DatabaseInstance`. */
  readonly type: string;
  /** As the cloud names it: `projects/p/global/networks/x`. */
  readonly id: string;
  /** As the program names it; empty for what somebody else made. */
  readonly name: string;
  readonly urn: string;
  /** Plain: no marks around secrets, defaults applied. */
  inputs: Values;
  /** The inputs and what the cloud added. */
  outputs: Values;
}

/** One thing that was done in the cloud. */
export interface Operation {
  readonly operation: "create" | "read" | "update" | "delete";
  readonly type: string;
  readonly name: string;
  readonly id: string;
}

/** What holds for the whole cloud. What a cloud does not have is empty. */
export interface CloudSettings {
  readonly project: string;
  readonly projectNumber: string;
  readonly region: string;
  readonly zone: string;
  /** Whether an API has to be enabled before something is made by it. Default: false, so that a small program need not enable any. */
  readonly requireApis?: boolean;
  /** Where the cloud's own API is, for behaviours that call it: `unix:///var/run/docker.sock`. */
  readonly endpoint?: string;
}

/**
 * The simulated cloud: a folder with a file for each resource, so that it outlives the provider, of which the engine starts one for each
 * command, and a test can look into it and change it. Each method is done when it returns, and reads what is on the disk.
 */
export class Cloud {
  constructor(readonly dir: string, readonly settings: CloudSettings = DEFAULT_SETTINGS) {}

  /** A folder of the caller's own in the cloud's; made where it is not there. */
  folder(...parts: string[]): string {
    const folder = join(this.dir, ...parts);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  get(type: string, id: string): CloudResource | undefined {
    return readJson<CloudResource>(this.file(type, id));
  }

  list(type: string): CloudResource[] {
    const folder = join(this.dir, "resources", slug(type));
    return filesIn(folder, ".json").flatMap((name) => readJson<CloudResource>(join(folder, name)) ?? []);
  }

  find(type: string, wanted: (resource: CloudResource) => boolean): CloudResource | undefined {
    return this.list(type).find(wanted);
  }

  /** All of it. */
  all(): CloudResource[] {
    return filesIn(join(this.dir, "resources"), "").flatMap((folder) => this.list(folder));
  }

  /** Writes it, or over it. */
  put(resource: CloudResource): void {
    const file = this.file(resource.type, resource.id);
    const temporary = `${file}.${process.pid}.tmp`;
    this.folder("resources", slug(resource.type));
    writeFileSync(temporary, `${JSON.stringify(resource, undefined, 2)}\n`);
    renameSync(temporary, file);
  }

  remove(type: string, id: string): void {
    rmSync(this.file(type, id), { force: true });
  }

  /** Writes a line into the log beside the resources, for whoever wonders what a behaviour did. */
  log(line: string): void {
    this.append("cloud.log", line);
  }

  /** Notes that something was done. */
  record(operation: Operation): void {
    this.append("operations.jsonl", JSON.stringify(operation));
  }

  /** What was done, in order. */
  operations(): Operation[] {
    try {
      return readFileSync(join(this.dir, "operations.jsonl"), "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Operation);
    } catch {
      return [];
    }
  }

  private append(file: string, line: string): void {
    appendFileSync(join(this.folder(), file), `${line}\n`);
  }

  private file(type: string, id: string): string {
    return join(this.dir, "resources", slug(type), `${createHash("sha256").update(id).digest("hex").slice(0, 20)}.json`);
  }
}

const DEFAULT_SETTINGS: CloudSettings = { project: "simulated", projectNumber: "123456789012", region: "europe-west3", zone: "europe-west3-a" };

/** A folder's name for a type; of such a name, the same. */
function slug(type: string): string {
  return type.replace(/[:/]/g, "-");
}

function filesIn(folder: string, ending: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(ending)).sort();
  } catch {
    return [];
  }
}

/** Undefined where it is not there, or was taken away meanwhile. */
function readJson<T>(file: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  return JSON.parse(text) as T;
}
