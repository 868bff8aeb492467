import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import { freePort } from "./free-port";

/** Root of the repository that the tests belong to. */
const REPOSITORY = dirname(dirname(__dirname));
/** What a fresh clone holds of what a command reads. */
const COPIED = ["index.ts", "services.ts", "package.json", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "components", "manager", "policy", "schemas", "scripts"];
/** Longest that one command of a test may take. */
const COMMAND_TIMEOUT_MS = 90_000;

/** How a command ended. */
export interface CommandResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that was started and not waited for; its own process group, so that a test can end all of it. */
export interface RunningCommand {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it has written to stderr so far. */
  stderr(): string;
  /** Waits until stderr holds the text; rejects when the command ends before. */
  until(pattern: RegExp): Promise<void>;
  readonly done: Promise<CommandResult>;
}

/** How a command is run. */
export interface CommandOptions {
  /** Set in addition; undefined unsets. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the checkout's root. */
  readonly cwd?: string;
}

/** A copy of this project in a folder of its own, with the same packages, for commands to be run in. */
export class Checkout {
  private constructor(readonly root: string, readonly port: number) {}

  /**
   * @param name last part of the folder's name, for paths that are hard to get right
   * @param services the body of `defineServices({...})`; default: the catalog as it ships
   */
  static async create({ name = "checkout", services }: { name?: string; services?: string } = {}): Promise<Checkout> {
    // Resolved: on macOS the temporary folder is a link, and paths are compared.
    const parent = mkdtempSync(join(realpathSync(tmpdir()), "bulkhead-e2e-"));
    // As root, Postgres runs under another user, who has to get through.
    chmodSync(parent, 0o755);
    const root = join(parent, name);
    mkdirSync(root);
    for (const entry of COPIED) cpSync(join(REPOSITORY, entry), join(root, entry), { recursive: true, filter: (path) => !path.slice(REPOSITORY.length).includes(`${sep}node_modules`) });
    symlinkSync(realpathSync(join(REPOSITORY, "node_modules")), join(root, "node_modules"));
    const checkout = new Checkout(root, await freePort());
    checkout.rememberPort();
    if (services !== undefined) checkout.declare(services);
    return checkout;
  }

  /** Has the next first start use the test's own port. */
  rememberPort(stack = "dev"): void {
    this.write(`.bulkhead/${stack}/port`, `${this.port}\n`);
  }

  /** Writes services.ts. */
  declare(services: string): void {
    this.write("services.ts", `import { defineServices } from "./manager/src/catalog/define-services";\nexport default defineServices({ ${services} });\n`);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  read(path: string): string {
    return readFileSync(this.path(path), "utf8");
  }

  /** The secret of a login, or the admin's. */
  secret(service: string, login = "app"): { username: string; password: string; dbname: string; port: number; ca: string; url: string } {
    const path = service === "admin" ? ".bulkhead/dev/secrets/admin.json" : `.bulkhead/dev/secrets/${service}/${login}.json`;
    return JSON.parse(this.read(path)) as ReturnType<Checkout["secret"]>;
  }

  /** Starts `bulkhead` with these arguments. */
  start(args: readonly string[], options: CommandOptions = {}): RunningCommand {
    return start(process.execPath, [this.path("scripts", "bulkhead.cjs"), ...args], { cwd: this.root, ...options });
  }

  /** Runs `bulkhead` to its end. */
  bulkhead(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.start(args, options).done;
  }

  /** Runs `bulkhead … --output json`, and insists on its success. */
  async json<T>(...args: string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await this.bulkhead([...args, "--output", "json"]);
    if (exitCode !== 0) throw new Error(`bulkhead ${args.join(" ")} ended with ${exitCode}:\n${stderr}\n${stdout}`);
    return JSON.parse(stdout) as T;
  }

  /** Converges, and insists on success. */
  up(): Promise<UpJson> {
    return this.json<UpJson>("up");
  }

  /** Pulumi's own CLI, as a person would run it in the checkout. */
  pulumi(args: readonly string[], options: CommandOptions = {}): RunningCommand {
    const env = { PULUMI_CONFIG_PASSPHRASE: "", PULUMI_SKIP_UPDATE_CHECK: "true", ...options.env };
    return start(pulumiCli(), args, { cwd: this.root, ...options, env });
  }

  /** Postgres' main process, or undefined. */
  postmaster(): number | undefined {
    try {
      return Number(realDataFile(this, "postmaster.pid").split("\n")[0]);
    } catch {
      return undefined;
    }
  }

  /** Ends what still runs in this checkout and removes it. */
  remove(): void {
    for (const pid of processesIn(this.root)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    rmSync(dirname(this.root), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** `up --output json`. */
export interface UpJson {
  readonly version: number;
  readonly stack: string;
  readonly target: string;
  readonly ok: boolean;
  readonly changes: Readonly<Record<string, number>>;
  readonly services: readonly { readonly name: string; readonly database: string; readonly ready: boolean; readonly schemaVersion: number | null; readonly ms: number }[];
  readonly durationMs: number;
}

/** Ids of the processes whose working folder or command line lies in the folder: the server, the engine, the command. */
export function processesIn(folder: string): number[] {
  return execFileSync("ps", ["axww", "-o", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const [, id, args] = /^\s*(\d+)\s(.*)$/.exec(line) ?? [];
      const pid = Number(id);
      if (args === undefined || pid === process.pid) return [];
      return args.includes(`${folder}/`) || workingFolder(pid).startsWith(folder) ? [pid] : [];
    });
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

function realDataFile(checkout: Checkout, name: string): string {
  return readFileSync(join(realpathSync(checkout.path(".bulkhead/dev/data")), name), "utf8");
}

function start(program: string, args: readonly string[], { cwd, env = {} }: CommandOptions): RunningCommand {
  const child = spawn(program, args, { cwd, env: { ...cleanEnvironment(), ...env }, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  const waiting: { pattern: RegExp; resolve: () => void; reject: (error: Error) => void }[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => { stdout += text; });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const { pattern, resolve } of waiting) if (pattern.test(stderr)) resolve();
  });
  const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), COMMAND_TIMEOUT_MS);
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => {
      clearTimeout(timer);
      for (const { pattern, reject: giveUp } of waiting) giveUp(new Error(`ended without ${pattern}:\n${stderr}`));
      resolve({ exitCode, stdout, stderr });
    });
  });
  return {
    pid: child.pid!,
    child,
    stderr: () => stderr,
    until: (pattern) => (pattern.test(stderr) ? Promise.resolve() : new Promise((resolve, reject) => waiting.push({ pattern, resolve, reject }))),
    done,
  };
}

/** Without what this machine's user, npm or jest has set for themselves. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|PULUMI_(?!HOME)|npm_|JEST_|NODE_ENV|NODE_OPTIONS|NO_COLOR|FORCE_COLOR)/.test(name)));
}

/** The newest CLI in Pulumi's versions folder: by the time a test asks, `bulkhead up` has seen to it that there is one. */
function pulumiCli(): string {
  const versions = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "versions");
  const onPath = (process.env["PATH"] ?? "").split(":").map((folder) => join(folder, "pulumi")).find((file) => !file.includes("node_modules") && existsSync(file));
  return onPath ?? join(versions, readdirSync(versions).sort().at(-1)!, "bin", "pulumi");
}
