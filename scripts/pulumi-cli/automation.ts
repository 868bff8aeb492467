import { createRequire } from "node:module";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import type { PulumiCli } from "./find";

/** Runs of the CLI that come back with a call for the program. */
const RUNS_THE_PROGRAM = new Set(["up", "preview"]);

/**
 * The CLI in the form that `LocalWorkspace` takes as `pulumiCommand`. Its `run` puts the CLI's folder first on PATH, so that the language host
 * beside it is used.
 *
 * `PulumiCommand.get({ root })` would do the same, but only for a file `<root>/bin/pulumi`, and it runs `pulumi version` once more, which
 * takes 0.4 s. The version is known here already.
 *
 * @param meanwhile is called where the CLI has just been started for a run of the program, which it asks for after some tenths of a second; must not throw
 */
export function pulumiCommand(cli: PulumiCli, meanwhile: () => void = () => {}): PulumiCommand {
  const semver = createRequire(require.resolve("@pulumi/pulumi/package.json"))("semver") as { parse(version: string): PulumiCommand["version"] };
  const command = Object.create(PulumiCommand.prototype) as PulumiCommand;
  const run = (args: string[], ...rest: unknown[]): unknown => {
    const running = (PulumiCommand.prototype as unknown as { run(args: string[], ...rest: unknown[]): unknown }).run.call(command, args, ...rest);
    if (RUNS_THE_PROGRAM.has(args[0] ?? "")) meanwhile();
    return running;
  };
  return Object.assign(command, { command: cli.path, version: semver.parse(cli.version), run });
}
