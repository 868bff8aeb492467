import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const ROOT = resolve(__dirname, "../../..");
const MANAGER = join(ROOT, "manager");
const run = promisify(execFile);

/** For one command, in milliseconds. */
const PACK_TIMEOUT_MS = 120_000;
const INSTALL_TIMEOUT_MS = 60_000;
const PROGRAM_TIMEOUT_MS = 60_000;

/** A project of somebody else, with the packed library as its only dependency. */
export interface Consumer {
  readonly directory: string;
  /** Paths in the tarball. */
  readonly packed: readonly string[];
  /** Whether npm installed it; false where no registry could be reached and what it depends on was linked from the checkout. */
  readonly installed: boolean;
  /** Writes a file of the project. */
  write(name: string, text: string): void;
  /** Compiles all TypeScript files of the project, as strictly as TypeScript can; answers with its complaints, "" for none. */
  compile(): Promise<string>;
  /** Runs a program of the project in `cwd`; answers with its output. Rejects where it fails. */
  node(name: string, options?: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> }): Promise<string>;
  remove(): void;
}

/** Packs the library as `npm pack` does and installs it into an empty project in a folder of its own. */
export async function makeConsumer(): Promise<Consumer> {
  const directory = mkdtempSync(join(tmpdir(), "bulkhead-consumer-"));
  try {
    const tarball = await pack(directory);
    const { stdout } = await run("tar", ["-tzf", tarball]);
    const packed = stdout.trim().split("\n").map((path) => path.replace(/^package\//, ""));
    writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "consumer", version: "1.0.0", private: true }));
    const installed = await install(directory, tarball);
    if (!installed) await link(directory, tarball);
    return {
      directory,
      packed,
      installed,
      write: (name, text) => writeFileSync(join(directory, name), text),
      compile: () => compile(directory),
      node: async (name, { cwd = directory, environment = {} } = {}) => {
        const { stdout: output } = await run(process.execPath, [join(directory, name)], { cwd, timeout: PROGRAM_TIMEOUT_MS, env: { PATH: process.env["PATH"] ?? "", HOME: directory, ...environment } });
        return output;
      },
      remove: () => rmSync(directory, { recursive: true, force: true }),
    };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function pack(directory: string): Promise<string> {
  // From a copy: packing compiles into `dist`, and nothing of an earlier build should be in the tarball.
  const copy = join(directory, "checkout");
  cpSync(MANAGER, join(copy, "manager"), { recursive: true, filter: (path) => !/[\\/](?:dist|node_modules)$|\.tgz$/.test(path) });
  cpSync(join(ROOT, "tsconfig.json"), join(copy, "tsconfig.json"));
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", directory], { cwd: join(copy, "manager"), timeout: PACK_TIMEOUT_MS });
  rmSync(copy, { recursive: true, force: true });
  return join(directory, stdout.trim().split("\n").at(-1) ?? "");
}

async function install(directory: string, tarball: string): Promise<boolean> {
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", "--fetch-timeout=20000"];
  try {
    await run("npm", ["install", ...options, tarball], { cwd: directory, timeout: INSTALL_TIMEOUT_MS });
    return true;
  } catch {
    rmSync(join(directory, "node_modules"), { recursive: true, force: true });
    return false;
  }
}

function linkFromCheckout(directory: string, name: string): void {
  const target = join(directory, "node_modules", name);
  mkdirSync(dirname(target), { recursive: true });
  if (!existsSync(target)) symlinkSync(join(ROOT, "node_modules", name), target);
}

/** Without a registry: the library from its tarball, and the packages that it names from the checkout, which keep theirs. */
async function link(directory: string, tarball: string): Promise<void> {
  await run("tar", ["-xzf", tarball, "-C", directory]);
  const library = join(directory, "node_modules", "@bulkhead", "manager");
  mkdirSync(dirname(library), { recursive: true });
  renameSync(join(directory, "package"), library);
  const { dependencies } = JSON.parse(readFileSync(join(library, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  for (const name of [...Object.keys(dependencies), "@types/node"]) linkFromCheckout(directory, name);
}

async function compile(directory: string): Promise<string> {
  const files = readdirSync(directory).filter((name) => /\.[cm]?ts$/.test(name));
  const options = ["--module", "nodenext", "--target", "es2022", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "false"];
  try {
    await run(process.execPath, [join(ROOT, "node_modules", "typescript", "bin", "tsc"), ...options, ...files], { cwd: directory, timeout: PACK_TIMEOUT_MS });
    return "";
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? String(error);
  }
}
