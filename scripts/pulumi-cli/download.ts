import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { runBounded } from "./bounded-command";
import { BUILT_HERE_MARK } from "./language-host";
import { PULUMI_EXECUTABLE } from "./locations";
import { sizeOf } from "./obtain-step";
import type { ObtainStep } from "./obtain-step";
import { PINNED_PULUMI_VERSION } from "./version";

/** Without a byte for this long at the start there is no way out to the network. */
const FIRST_BYTE_MS = 6_000;
/** Without a byte for this long later, the download hangs. */
const STALL_MS = 20_000;
const TIMEOUT_MS = 15 * 60_000;

/**
 * Downloads the pinned CLI by means of the `pulumi` npm package, with its own language host, into `binFolder`. It is installed beside
 * it first and moved in at the end, the CLI itself last.
 *
 * @returns why it failed, or undefined. Without a network it takes a few seconds at most.
 * @throws the signal's reason if cancelled.
 */
export async function downloadPulumiCli({ env, progress, signal, binFolder, stagingFolder }: ObtainStep): Promise<string | undefined> {
  const wrapper = path.join(path.dirname(require.resolve("pulumi/package.json")), "run.js");
  const temporary = path.join(stagingFolder, "tmp");
  await mkdir(temporary, { recursive: true });
  progress(`downloading the Pulumi CLI ${PINNED_PULUMI_VERSION} (about 100 MB)`);
  let receivedBytes = 0;
  const { failure } = await runBounded({
    command: [process.execPath, wrapper, "version"],
    cwd: stagingFolder,
    // The package installs to PULUMI_HOME/versions/<version> and keeps what it downloads in TMPDIR: both are watched for growth.
    env: { ...env, PULUMI_HOME: stagingFolder, PULUMI_VERSION: PINNED_PULUMI_VERSION, PULUMI_SKIP_UPDATE_CHECK: "true", TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    signal,
    timeoutMs: TIMEOUT_MS,
    stallMs: () => (receivedBytes === 0 ? FIRST_BYTE_MS : STALL_MS),
    progressOf: async () => (receivedBytes = await sizeOf(stagingFolder)),
  });
  if (failure !== undefined) return failure.summary;

  const downloaded = path.join(stagingFolder, "versions", PINNED_PULUMI_VERSION, "bin");
  const names = await readdir(downloaded);
  await mkdir(binFolder, { recursive: true });
  await rm(path.join(binFolder, BUILT_HERE_MARK), { force: true });
  for (const name of [...names.filter((other) => other !== PULUMI_EXECUTABLE), PULUMI_EXECUTABLE]) {
    await rename(path.join(downloaded, name), path.join(binFolder, name));
  }
  return undefined;
}
