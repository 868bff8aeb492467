import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { parse, stringify } from "yaml";

import { behaviourModules } from "./provider/behaviour";
import { Cloud } from "./provider/cloud";
import type { CloudResource, Operation } from "./provider/cloud";
import { placeFault } from "./provider/faults";
import type { CloudPackage } from "./provider/cloud-package";
import { docker } from "./provider/docker/docker-package";
import type { Fault } from "./provider/faults";
import { gcp } from "./provider/gcp/gcp-package";
import { packageSchema } from "./provider/schema/schema-cache";

/** All that there are. */
const PACKAGES: readonly CloudPackage[] = [gcp, docker];
/** Folder of the providers' executables, for `plugins.providers[].path` of Pulumi.yaml. */
const PLUGINS = join(__dirname, "provider", "bin");
const BEHAVIOURS = join(__dirname, "behaviours");
const POLL_MS = 20;
/** Longest that a test waits for an operation to reach its fault. */
const REACH_TIMEOUT_MS = 60_000;

/** A fault that was placed. */
export interface PlacedFault {
  /** Resolves when an operation waits at it. */
  reached(): Promise<void>;
  /** Lets the operation go on. */
  release(): void;
}

/** A cloud of a test's own: a folder that the provider processes work in. */
export class SimulatedCloud {
  /** @param cloud what lies in the folder, for servers of Google's APIs */
  private constructor(readonly cloud: Cloud, private readonly behaviours: string | undefined) {}

  /**
   * @param behaviours whether resources do what those in behaviours/ say: a Cloud SQL instance is a real Postgres then, a container one of the Docker engine that the provider is given. Default: false
   * @param requireApis whether the program has to enable the APIs that it uses before it uses them. Default: false
   */
  static create({ behaviours = false, requireApis = false, project = "simulated", region = "europe-west3" }: { behaviours?: boolean; requireApis?: boolean; project?: string; region?: string } = {}): SimulatedCloud {
    // Derived here, once, so that no provider's start takes the time.
    for (const { npmPackage, facts } of PACKAGES) packageSchema(npmPackage, Object.keys(facts));
    const dir = mkdtempSync(join(realpathSync(tmpdir()), "bulkhead-cloud-"));
    // As root, Postgres runs under another user, who has to get through.
    chmodSync(dir, 0o755);
    return new SimulatedCloud(new Cloud(dir, { ...gcp.settings({ project, region, zone: `${region}-a` }), requireApis }), behaviours ? BEHAVIOURS : undefined);
  }

  get dir(): string {
    return this.cloud.dir;
  }

  /** For the engine's environment, from which the provider has it. */
  get env(): Record<string, string> {
    return { SIMULATED_CLOUD_DIR: this.dir, SIMULATED_CLOUD_REQUIRE_APIS: String(this.cloud.settings.requireApis ?? false), ...(this.behaviours === undefined ? {} : { SIMULATED_CLOUD_BEHAVIOURS: this.behaviours }) };
  }

  /** The configuration of Google's provider, for the stack's; Docker's needs none. */
  get config(): Record<string, string> {
    const { project, region, zone } = this.cloud.settings;
    return { "gcp:project": project, "gcp:region": region, "gcp:zone": zone };
  }

  /** What Pulumi.yaml needs so that the engine takes the simulated providers. */
  static get plugins(): { providers: { name: string; path: string }[] } {
    return { providers: PACKAGES.map(({ name }) => ({ name, path: PLUGINS })) };
  }

  /** Has a checkout of the product use this cloud; run its commands with `env: cloud.env`. */
  attach(checkout: { readonly root: string }): void {
    const path = join(checkout.root, "Pulumi.yaml");
    const project = parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    writeFileSync(path, stringify({ ...project, plugins: SimulatedCloud.plugins }));
  }

  /** @param type token; default: all */
  resources(type?: string): CloudResource[] {
    return type === undefined ? this.cloud.all() : this.cloud.list(type);
  }

  /** @throws Error where there is none */
  resource(type: string, name: string): CloudResource {
    const found = this.cloud.find(type, (resource) => resource.name === name);
    if (found === undefined) throw new Error(`the cloud has no ${type} ${name}`);
    return found;
  }

  /** Changes a resource behind Pulumi's back. */
  edit(type: string, name: string, change: (resource: CloudResource) => void): void {
    const resource = this.resource(type, name);
    change(resource);
    this.cloud.put(resource);
  }

  /** Takes a resource away behind Pulumi's back. */
  remove(type: string, name: string): void {
    this.cloud.remove(type, this.resource(type, name).id);
  }

  /** Puts in a resource that somebody else has made. */
  add(resource: Pick<CloudResource, "type" | "id"> & Partial<CloudResource>): void {
    this.cloud.put({ name: "", urn: "", inputs: {}, outputs: {}, ...resource });
  }

  /** What was done in the cloud, in order; previews do nothing. */
  operations(): Operation[] {
    return this.cloud.operations();
  }

  /** Has something go wrong, once. */
  inject(fault: Fault): PlacedFault {
    const file = placeFault(this.dir, fault);
    return {
      reached: async () => {
        const deadline = performance.now() + REACH_TIMEOUT_MS;
        while (!existsSync(`${file}.reached`)) {
          if (performance.now() > deadline) throw new Error(`no ${fault.on} of ${fault.type ?? "anything"} reached the fault`);
          await sleep(POLL_MS);
        }
      },
      release: () => writeFileSync(`${file}.released`, ""),
    };
  }

  /** Ends what behaviours have started, and removes the folder. */
  async dispose(): Promise<void> {
    for (const { dispose } of behaviourModules(this.behaviours)) await dispose?.(this.cloud);
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
