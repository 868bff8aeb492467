import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse, stringify } from "yaml";

import { Checkout } from "./checkout";
import type { CommandOptions, CommandResult, RunningCommand, UpJson } from "./checkout";
import { sqlServerOf } from "./simulated-cloud/behaviours/cloud-sql";
import { runAsProvider } from "./simulated-cloud/behaviours/sql-server/sql-server";
import type { SqlServer } from "./simulated-cloud/behaviours/sql-server/sql-server";
import { startGoogleApi } from "./simulated-cloud/google-api/google-api";
import type { GoogleApi } from "./simulated-cloud/google-api/google-api";
import { SimulatedCloud } from "./simulated-cloud/simulated-cloud";

const SQL_INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";
/** Beside the checkout, as a bucket would be; so is the passphrase the test's own. */
const STATE_FOLDER = "state";

/** Settings of a stack, by their full names (`bulkhead:reach`); undefined takes one away. */
export type Settings = Readonly<Record<string, unknown>>;

/** A catalog of one service with a database and one without, for `create`, with settings that go with it. Little of it costs time. */
export const SMALL_SERVICES = `
  auth: { port: 5500, image: "europe-west1-docker.pkg.dev/example-project/services/auth" },
  frontend: { port: 3000, database: null, calls: ["auth"], image: "europe-west1-docker.pkg.dev/example-project/services/frontend", path: "/*" },`;
export const SMALL_SETTINGS: Settings = {
  "bulkhead:redis": false,
  "bulkhead:clickhouse": false,
  "bulkhead:encryption": { customerManagedKeys: false },
  "bulkhead:deletionProtection": false,
  "bulkhead:services": Object.fromEntries(["auth", "frontend"].map((name) => [name, { image: `europe-west1-docker.pkg.dev/example-project/services/${name}:1.0.0`, maxInstances: 2 }])),
};

/** One thing that an engine's preview would do. */
export interface PlannedStep {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly name: string;
}

/** A copy of the product with the simulated cloud, Google's APIs before it, and a state backend and passphrase of its own. */
export class GcpCheckout {
  private constructor(readonly checkout: Checkout, readonly cloud: SimulatedCloud, readonly api: GoogleApi) {}

  /**
   * @param services the body of `defineServices({...})`; default: the catalog as it ships
   * @param settings laid over those of Pulumi.prod.yaml
   */
  static async create({ services, settings = {} }: { services?: string; settings?: Settings } = {}): Promise<GcpCheckout> {
    const cloud = SimulatedCloud.create({ project: "example-project", region: "europe-west1", behaviours: true, requireApis: true });
    const checkout = await Checkout.create(services === undefined ? {} : { services });
    cloud.attach(checkout);
    // The job's image is built from this checkout: its schemas are what the job reads.
    const api = await startGoogleApi(cloud.cloud, { entry: checkout.path("components/gcp/setup-job/main.ts") });
    const gcp = new GcpCheckout(checkout, cloud, api);
    checkout.write(join("..", STATE_FOLDER, ".keep"), "");
    gcp.configure(settings);
    return gcp;
  }

  get environment(): Record<string, string> {
    return {
      ...this.cloud.env,
      ...this.api.environment,
      PULUMI_BACKEND_URL: `file://${this.checkout.path("..", STATE_FOLDER)}`,
      PULUMI_CONFIG_PASSPHRASE: "a passphrase of the test's own",
    };
  }

  /** Lays settings over what a stack's file says. For a stack without a file: over those of Pulumi.prod.yaml. */
  configure(changes: Settings, stack = "prod"): void {
    const own = `Pulumi.${stack}.yaml`;
    const file = readOr(() => this.checkout.read(own)) ?? this.checkout.read("Pulumi.prod.yaml");
    const { config, ...rest } = parse(file) as { config: Record<string, unknown> };
    const merged = Object.entries({ ...config, ...changes }).filter(([, value]) => value !== undefined);
    this.checkout.write(own, stringify({ ...rest, config: Object.fromEntries(merged) }));
  }

  /** What the stack's file says of a setting. */
  setting(name: string): Readonly<Record<string, unknown>> {
    return (parse(this.checkout.read("Pulumi.prod.yaml")) as { config: Record<string, Record<string, unknown>> }).config[name]!;
  }

  /** Starts `bulkhead` of stack prod. */
  start(args: readonly string[], options: CommandOptions = {}): RunningCommand {
    return this.checkout.start(args.includes("--stack") ? args : [...args, "--stack", "prod"], this.with(options));
  }

  bulkhead(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.start(args, options).done;
  }

  /** Runs `bulkhead … --output json` and insists on an answer in JSON. */
  async json<T>(args: readonly string[], exitCode = 0): Promise<T> {
    const result = await this.bulkhead([...args, "--output", "json"]);
    if (result.exitCode !== exitCode) throw new Error(`bulkhead ${args.join(" ")} ended with ${result.exitCode}:\n${result.stderr}\n${result.stdout}`);
    return JSON.parse(result.stdout) as T;
  }

  up(): Promise<UpJson> {
    return this.json<UpJson>(["up"]);
  }

  /** Pulumi's own CLI on stack prod. */
  pulumi(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.checkout.pulumi([...args, "--stack", "prod"], this.with(options)).done;
  }

  /** What Pulumi would do, step for step, without those that leave things as they are. */
  async plannedSteps(): Promise<PlannedStep[]> {
    const { exitCode, stdout, stderr } = await this.pulumi(["preview", "--json", "--non-interactive"]);
    if (exitCode !== 0) throw new Error(`pulumi preview ended with ${exitCode}:\n${stdout}\n${stderr}`);
    const { steps } = JSON.parse(stdout) as { steps: { op: string; urn: string }[] };
    return steps.filter(({ op }) => op !== "same").map(({ op, urn }) => ({ op, urn, ...partsOf(urn) }));
  }

  /** What was done in the cloud since the last call of it. */
  newOperations(): string[] {
    const operations = this.cloud.operations();
    const fresh = operations.slice(this.#operationsSeen);
    this.#operationsSeen = operations.length;
    return fresh.map(({ operation, type, name }) => `${operation} ${type.split(":").at(-1)} ${name}`);
  }
  #operationsSeen = 0;

  /** Whatever lies in Secret Manager, whatever its state, as text. */
  secretPayloads(): string[] {
    const folder = join(this.cloud.dir, "secret-versions");
    const versions = readdirSync(folder).flatMap((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as { data: string }[]);
    return versions.map(({ data }) => Buffer.from(data, "base64").toString());
  }

  /** The newest version of a secret. */
  secret(id: string): Record<string, unknown> {
    return JSON.parse(Buffer.from(this.api.secrets.find(id, "latest").data, "base64").toString()) as Record<string, unknown>;
  }

  /** Runs statements in the stack's Postgres as Google's own superuser would. */
  asSuperuser(database: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
    const instance = this.cloud.cloud.find(SQL_INSTANCE, ({ inputs }) => inputs["masterInstanceName"] === undefined)!;
    return runAsProvider(sqlServerOf(this.cloud.cloud, instance.id)!, database, ...statements);
  }

  /** The Postgres servers behind the instances of the cloud. */
  get postgresServers(): readonly SqlServer[] {
    const folder = join(this.cloud.dir, "sql");
    return (readOr(() => readdirSync(folder)) ?? []).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as SqlServer);
  }

  /** Whatever must stand nowhere but in Secret Manager: passwords, and a line of each private key. */
  secretStrings(): string[] {
    const strings = this.secretPayloads().flatMap((payload) => {
      const fields = readOr(() => JSON.parse(payload) as Record<string, unknown>);
      const passwords = typeof fields?.["password"] === "string" ? [fields["password"]] : [];
      const texts = fields === undefined ? [payload] : Object.values(fields).filter((value) => typeof value === "string");
      return [...passwords, ...texts.flatMap((text) => /PRIVATE KEY-----\n(\S{32,})\n/.exec(text)?.[1] ?? [])];
    });
    return [...new Set(strings)];
  }

  async remove(): Promise<void> {
    this.checkout.remove();
    await this.api.close();
    await this.cloud.dispose();
  }

  private with({ env, ...options }: CommandOptions): CommandOptions {
    return { ...options, env: { ...this.environment, ...env } };
  }
}

function partsOf(urn: string): { type: string; name: string } {
  const [, , types, ...name] = urn.split("::");
  return { type: types!.split("$").at(-1)!, name: name.join("::") };
}

function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
