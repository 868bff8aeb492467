import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { runBounded } from "./bounded-command";
import type { GoToolchain } from "./go-toolchain";
import { BUILT_HERE_MARK } from "./language-host";
import { pulumiHome, PULUMI_EXECUTABLE, userHome } from "./locations";
import type { Environment } from "./locations";
import type { ObtainStep } from "./obtain-step";
import { MINIMUM_GO_VERSION, PINNED_PULUMI_VERSION } from "./version";

const MODULE_FOLDER = path.join(__dirname, "cli-module");
const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/** How many packages Go compiles for the CLI, its standard library included (`go list -deps`, Linux). */
const PACKAGE_COUNT = 1_684;
/** The longest silence: one package or the link step on a slow machine, or a module that does not arrive. */
const STALL_MS = 5 * 60_000;
const TIMEOUT_MS = 60 * 60_000;
const PROGRESS_EVERY_MS = 5_000;

/**
 * Builds the pinned CLI into `binFolder` from the Go modules of `cli-module/`, whose checksums Go verifies against the go.sum there.
 * The finished executable is moved in at the end.
 *
 * @returns why it failed, or undefined.
 * @throws the signal's reason if cancelled.
 */
export async function buildPulumiCli(go: GoToolchain, { env, progress, signal, binFolder, stagingFolder }: ObtainStep): Promise<string | undefined> {
  progress(
    `building the Pulumi CLI ${PINNED_PULUMI_VERSION} with Go ${go.version}` +
      `${go.fetchesNewer ? ` (which fetches Go ${MINIMUM_GO_VERSION} or newer first)` : ""}: ` +
      `about 3 minutes on 2 cores (this machine has ${os.availableParallelism()}) and 3 GB of disk for Go's caches, once`,
  );
  const output = path.join(stagingFolder, PULUMI_EXECUTABLE);
  const startedAt = performance.now();
  const counts = { modules: 0, packages: 0 };
  let reportedAt = startedAt;
  const caches = goCaches(env);
  const { failure } = await runBounded({
    command: [go.path, "build", "-v", "-mod=readonly", "-modcacherw", "-buildvcs=false", "-trimpath", "-tags=osusergo,grpcnotrace", `-ldflags=-s -w -X ${VERSION_VARIABLE}=v${PINNED_PULUMI_VERSION}`, "-o", output, PACKAGE],
    cwd: MODULE_FOLDER,
    env: { ...env, ...caches.env, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "", GOOS: "", GOARCH: "", GOROOT: "", GOTOOLCHAIN: go.fetchesNewer ? "auto" : "local" },
    signal,
    timeoutMs: TIMEOUT_MS,
    stallMs: () => STALL_MS,
    onLine: (line) => {
      if (line.startsWith("go: downloading ")) counts.modules += 1;
      else if (!/\s/.test(line)) counts.packages += 1;
      const now = performance.now();
      if (now - reportedAt < PROGRESS_EVERY_MS) return;
      reportedAt = now;
      progress(buildProgress(counts, (now - startedAt) / 1_000));
    },
  });
  if (failure !== undefined) return [failure.reason, ...failure.lastLines].join("\n");

  await mkdir(binFolder, { recursive: true });
  await writeFile(path.join(binFolder, BUILT_HERE_MARK), `Pulumi ${PINNED_PULUMI_VERSION}, built from Go modules with Go ${go.version} by bulkhead\n`);
  await rename(output, path.join(binFolder, PULUMI_EXECUTABLE));
  if (caches.folder !== undefined) await rm(caches.folder, { recursive: true, force: true });
  progress(`built the Pulumi CLI in ${Math.round((performance.now() - startedAt) / 1_000)} s`);
  return undefined;
}

function buildProgress({ modules, packages }: { modules: number; packages: number }, seconds: number): string {
  const done = packages === 0 ? `${modules} modules downloaded` : `${Math.min(packages, PACKAGE_COUNT)} of about ${PACKAGE_COUNT} packages compiled`;
  return `building the Pulumi CLI: ${done}, ${Math.round(seconds)} s`;
}

/** Go keeps its caches in the user's home; where there is none they go into Pulumi's home, and are removed after the build. */
function goCaches(env: Environment): { env: Record<string, string>; folder: string | undefined } {
  if (userHome(env) !== undefined) return { env: {}, folder: undefined };
  const folder = path.join(pulumiHome(env), "go-build");
  return {
    folder,
    env: { GOPATH: path.join(folder, "path"), GOMODCACHE: path.join(folder, "modules"), GOCACHE: path.join(folder, "cache"), GOENV: "off" },
  };
}
