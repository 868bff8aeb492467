import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { isExecutableFile, pathFolders, userHome } from "./locations";
import type { Environment } from "./locations";
import { FIRST_GO_WITH_TOOLCHAINS, isAtLeast, MINIMUM_GO_VERSION, parseGoVersion } from "./version";

/** A Go that can build the CLI. */
export interface GoToolchain {
  /** Absolute path of the `go` command. */
  readonly path: string;
  /** Its version, three numbers. */
  readonly version: string;
  /** Whether it is too old itself, and is to fetch a newer toolchain as Go does (GOTOOLCHAIN=auto). */
  readonly fetchesNewer: boolean;
}

const GO_EXECUTABLE = process.platform === "win32" ? "go.exe" : "go";
const VERSION_PROBE_TIMEOUT_MS = 10_000;

/** Where Go is commonly installed without being on PATH. */
const COMMON_FOLDERS = ["/usr/local/go/bin", ...versionedFolders("/usr/lib")];

/**
 * Finds a Go of at least 1.25.11: on PATH, in GOROOT, in the user's home, and where it is commonly installed. If none is that new, the first of at least 1.21 is
 * taken, which can fetch a newer toolchain by itself.
 */
export async function findGo(env: Environment, signal?: AbortSignal, commonFolders: readonly string[] = COMMON_FOLDERS): Promise<GoToolchain | undefined> {
  let fallback: GoToolchain | undefined;
  for (const file of goCandidates(env, commonFolders)) {
    const version = await versionOfGo(file, env, signal);
    if (version === undefined) continue;
    if (isAtLeast(version, MINIMUM_GO_VERSION)) return { path: file, version, fetchesNewer: false };
    if (isAtLeast(version, FIRST_GO_WITH_TOOLCHAINS)) fallback ??= { path: file, version, fetchesNewer: true };
  }
  return fallback;
}

function goCandidates(env: Environment, commonFolders: readonly string[]): string[] {
  const home = userHome(env);
  const folders = [
    ...pathFolders(env),
    ...(env["GOROOT"] ? [path.join(env["GOROOT"], "bin")] : []),
    ...(home === undefined ? [] : [path.join(home, "go", "bin"), path.join(home, "sdk", "go", "bin")]),
    ...commonFolders,
  ];
  return [...new Set(folders.map((folder) => path.resolve(folder, GO_EXECUTABLE)))].filter(isExecutableFile);
}

/** `bin` folders of `/usr/lib/go`, `/usr/lib/go-1.25` and such, the newest first. */
function versionedFolders(parent: string): string[] {
  try {
    const names = readdirSync(parent).filter((name) => /^go(-\d+(\.\d+)*)?$/.test(name));
    return names.sort((a, b) => b.localeCompare(a, "en", { numeric: true })).map((name) => path.join(parent, name, "bin"));
  } catch {
    return [];
  }
}

/** The version that a `go` says it has; undefined if it does not run. */
export async function versionOfGo(file: string, env: Environment, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(file, ["version"], {
      // `go version` in a folder with a go.mod would fetch the toolchain that is named there.
      env: { ...env, GOROOT: "", GOTOOLCHAIN: "local" },
      timeout: VERSION_PROBE_TIMEOUT_MS,
      killSignal: "SIGKILL",
      ...(signal === undefined ? {} : { signal }),
    });
    return parseGoVersion(stdout);
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
