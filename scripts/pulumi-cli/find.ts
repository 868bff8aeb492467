import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { messageOf } from "../../manager/src/errors/bulkhead-error";
import { redact } from "../../manager/src/errors/redact";
import { headOf, languageHostOf } from "./language-host";
import type { LanguageHost } from "./language-host";
import { isExecutableFile, pathFolders, pinnedBinFolder, pulumiHome, PULUMI_EXECUTABLE } from "./locations";
import type { Environment } from "./locations";
import { isAtLeast, MINIMUM_PULUMI_VERSION, parsePulumiVersion } from "./version";

/** Where a CLI was looked for: named by `PULUMI_BIN`, on PATH, or in the `versions` folder of Pulumi's home. */
export type PulumiCliSource = "PULUMI_BIN" | "PATH" | "versions";

/** A Pulumi CLI that will do. */
export interface PulumiCli {
  /** Absolute path of the executable. */
  readonly path: string;
  /** What it says its version is, without `v`. */
  readonly version: string;
  readonly source: PulumiCliSource;
  readonly languageHost: LanguageHost;
}

/** A CLI that was found and passed over. */
export interface RejectedPulumiCli {
  readonly path: string;
  readonly source: PulumiCliSource;
  /** Why, for a person to read. */
  readonly reason: string;
}

/** What `findPulumiCli` found. */
export interface PulumiCliSearch {
  /** The first candidate that will do. */
  readonly chosen: PulumiCli | undefined;
  /** Those before it that will not, in the order they were tried. */
  readonly rejected: readonly RejectedPulumiCli[];
}

const VERSION_PROBE_TIMEOUT_MS = 10_000;

/**
 * Finds a Pulumi CLI of at least 3.245.0: `PULUMI_BIN`, then each `pulumi` on PATH, then `<Pulumi's home>/versions/<pinned>/bin`. A
 * candidate is asked for its version (at most 10 s each). The `pulumi` npm package is no candidate and is never run: it is a small
 * wrapper that downloads a CLI, and npm puts it first on PATH in every script.
 */
export async function findPulumiCli(env: Environment, signal?: AbortSignal): Promise<PulumiCliSearch> {
  const rejected: RejectedPulumiCli[] = [];
  for (const { file, source } of candidates(env)) {
    const verdict = await judge(file, env, signal);
    if ("version" in verdict) {
      const binFolder = path.dirname(realpathSync(file)); // the CLI, too, looks for its language host where the real file is
      return { chosen: { path: file, version: verdict.version, source, languageHost: languageHostOf(binFolder, env) }, rejected };
    }
    rejected.push({ path: file, source, reason: verdict.reason });
  }
  return { chosen: undefined, rejected };
}

/** Lines for `doctor`: the CLI in use, its language host, and why others were passed over. */
export function describePulumiCli(search: PulumiCliSearch): string[] {
  const { chosen, rejected } = search;
  const lines = [
    chosen === undefined
      ? `no Pulumi CLI of ${MINIMUM_PULUMI_VERSION} or newer was found; \`npm run up\` obtains one`
      : `Pulumi CLI ${chosen.version} at ${chosen.path} (${SOURCE_TEXT[chosen.source]}; ${HOST_TEXT[chosen.languageHost]})`,
  ];
  for (const { path: file, source, reason } of rejected) lines.push(`passed over ${file} (${SOURCE_TEXT[source]}): ${reason}`);
  return lines;
}

const SOURCE_TEXT: Readonly<Record<PulumiCliSource, string>> = {
  PULUMI_BIN: "named by PULUMI_BIN",
  PATH: "on PATH",
  versions: "in Pulumi's versions folder",
};

const HOST_TEXT: Readonly<Record<LanguageHost, string>> = {
  bundled: "with its own Node.js language host",
  path: "with the Node.js language host on PATH",
  "stand-in": "built from Go modules, with bulkhead's stand-in Node.js language host",
  none: "without a Node.js language host: `bulkhead` commands work, a plain `pulumi up` does not",
};

function* candidates(env: Environment): Generator<{ file: string; source: PulumiCliSource }> {
  if (env["PULUMI_BIN"]) yield { file: path.resolve(env["PULUMI_BIN"]), source: "PULUMI_BIN" };
  for (const folder of pathFolders(env)) {
    const file = path.resolve(folder, PULUMI_EXECUTABLE);
    if (isExecutableFile(file)) yield { file, source: "PATH" };
  }
  const pinned = path.join(pinnedBinFolder(env), PULUMI_EXECUTABLE);
  if (isExecutableFile(pinned)) yield { file: pinned, source: "versions" };
}

async function judge(file: string, env: Environment, signal?: AbortSignal): Promise<{ version: string } | { reason: string }> {
  if (!isExecutableFile(file)) return { reason: "it is no executable file" };
  if (isNpmWrapper(file)) return { reason: "it is the `pulumi` npm package, which only downloads a CLI" };
  let output: string;
  try {
    output = await askVersion(file, env, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as { killed?: boolean }).killed) return { reason: `\`pulumi version\` gave no answer within ${VERSION_PROBE_TIMEOUT_MS / 1_000} s` };
    return { reason: `\`pulumi version\` failed: ${redact(firstLine(messageOf(error)))}` };
  }
  const version = parsePulumiVersion(output);
  if (version === undefined) return { reason: `\`pulumi version\` printed no version: ${redact(firstLine(output))}` };
  if (!isAtLeast(version, MINIMUM_PULUMI_VERSION)) return { reason: `it is ${version}, and ${MINIMUM_PULUMI_VERSION} or newer is needed` };
  return { version };
}

async function askVersion(file: string, env: Environment, signal?: AbortSignal): Promise<string> {
  const { stdout } = await promisify(execFile)(file, ["version"], {
    env: { ...env, PULUMI_HOME: pulumiHome(env), PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeout: VERSION_PROBE_TIMEOUT_MS,
    killSignal: "SIGKILL",
    maxBuffer: 1024 * 1024,
    ...(signal === undefined ? {} : { signal }),
  });
  return stdout;
}

/**
 * Whether `file` is the `pulumi` npm package, in whichever way a package manager exposes it: a link into `node_modules`, or a script
 * that starts a file there.
 */
function isNpmWrapper(file: string): boolean {
  const inNodeModules = (name: string): boolean => name.split(path.sep).includes("node_modules");
  if (inNodeModules(file) || inNodeModules(realpathSync(file))) return true;
  const head = headOf(file);
  return head.startsWith("#!") && /node_modules[\\/]pulumi[\\/]/.test(head);
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
