import { readFileSync } from "node:fs";

import { parse, stringify } from "yaml";

import { Checkout } from "../checkout";
import type { CommandOptions, CommandResult, RunningCommand, UpJson } from "../checkout";
import { SimulatedCloud } from "../simulated-cloud/simulated-cloud";
import type { DockerDaemon } from "./daemon";
import { freePort } from "../free-port";

/** `validate --output json`, as far as tests read it. */
export interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly id: string; readonly service: string; readonly status: string; readonly detail: string; readonly heal?: string }[];
}

/** A catalog of two services with databases, one of which uses the stores as well, and one without anything. */
export const SERVICES = `
  auth: { port: 5500 },
  backend: { port: 5600, redis: true, clickhouse: true },
  frontend: { port: 3000, database: null, calls: ["auth"] },`;

/** A copy of the product whose `docker` stack runs on a test's own engine, with the simulated provider between. */
export class DockerCheckout {
  private constructor(readonly checkout: Checkout, readonly cloud: SimulatedCloud, private readonly dockerEnv: Readonly<Record<string, string>>) {}

  /**
   * @param daemon the engine; undefined: none, and the provider keeps books only
   * @param services the body of `defineServices({...})`
   * @param settings of stack dev, beside its target and the ports, which are free ones
   */
  static async create({ daemon, services = SERVICES, settings = {} }: { daemon?: DockerDaemon; services?: string; settings?: Readonly<Record<string, unknown>> } = {}): Promise<DockerCheckout> {
    const cloud = SimulatedCloud.create({ behaviours: daemon !== undefined });
    const checkout = await Checkout.create({ services });
    cloud.attach(checkout);
    const docker = new DockerCheckout(checkout, cloud, daemon?.env ?? { DOCKER_HOST: "unix:///nowhere/docker.sock" });
    const [postgres, redis, clickhouse] = [await freePort(), await freePort(), await freePort()];
    docker.configure({ "bulkhead:target": "docker", "bulkhead:images": { pull: "never" }, "bulkhead:postgres": { port: postgres }, "bulkhead:redis": { port: redis }, "bulkhead:clickhouse": { port: clickhouse }, ...settings });
    return docker;
  }

  /** Lays settings over those of stack dev; undefined takes one away. */
  configure(changes: Readonly<Record<string, unknown>>): void {
    const { config = {}, ...rest } = parse(this.checkout.read("Pulumi.dev.yaml")) as { config?: Record<string, unknown> };
    const merged = Object.entries({ ...config, ...changes }).filter(([, value]) => value !== undefined);
    this.checkout.write("Pulumi.dev.yaml", stringify({ ...rest, config: Object.fromEntries(merged) }));
  }

  setting<T>(name: string): T {
    return (parse(this.checkout.read("Pulumi.dev.yaml")) as { config: Record<string, T> }).config[name]!;
  }

  start(args: readonly string[], options: CommandOptions = {}): RunningCommand {
    return this.checkout.start(args, this.with(options));
  }

  bulkhead(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.start(args, options).done;
  }

  /** Runs `bulkhead … --output json` and insists on its exit code. */
  async json<T>(args: readonly string[], exitCode = 0): Promise<T> {
    const result = await this.bulkhead([...args, "--output", "json"]);
    if (result.exitCode !== exitCode) throw new Error(`bulkhead ${args.join(" ")} ended with ${result.exitCode}:\n${result.stderr}\n${result.stdout}`);
    return JSON.parse(result.stdout) as T;
  }

  up(): Promise<UpJson> {
    return this.json<UpJson>(["up"]);
  }

  validate(): Promise<Report> {
    return this.json<Report>(["validate"]);
  }

  /** Pulumi's own CLI on stack dev. */
  pulumi(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.checkout.pulumi([...args, "--stack", "dev"], this.with(options)).done;
  }

  /** What was done by the provider since the last call of it. */
  newOperations(): string[] {
    const operations = this.cloud.operations();
    const fresh = operations.slice(this.#operationsSeen);
    this.#operationsSeen = operations.length;
    return fresh.filter(({ operation }) => operation !== "read").map(({ operation, type, name }) => `${operation} ${type.split(":").at(-1)} ${name}`);
  }
  #operationsSeen = 0;

  /** A file of the stack's own, as JSON: `secrets/auth/app.json`. */
  file<T>(path: string): T {
    return JSON.parse(readFileSync(this.checkout.path(".bulkhead/dev/docker", path), "utf8")) as T;
  }

  async remove(): Promise<void> {
    this.checkout.remove();
    await this.cloud.dispose();
  }

  private with({ env, ...options }: CommandOptions): CommandOptions {
    return { ...options, env: { ...this.cloud.env, ...this.dockerEnv, ...env } };
  }
}
