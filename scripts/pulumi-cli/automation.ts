import { createRequire } from "node:module";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import type { PulumiCli } from "./find";

/**
 * The CLI in the form that `LocalWorkspace` takes as `pulumiCommand`. Its `run` puts the CLI's folder first on PATH, so that the language host
 * beside it is used.
 *
 * `PulumiCommand.get({ root })` would do the same, but only for a file `<root>/bin/pulumi`, and it runs `pulumi version` once more, which
 * takes 0.4 s. The version is known here already.
 */
export function pulumiCommand(cli: PulumiCli): PulumiCommand {
  const semver = createRequire(require.resolve("@pulumi/pulumi/package.json"))("semver") as { parse(version: string): PulumiCommand["version"] };
  const command = Object.create(PulumiCommand.prototype) as PulumiCommand;
  return Object.assign(command, { command: cli.path, version: semver.parse(cli.version) });
}
