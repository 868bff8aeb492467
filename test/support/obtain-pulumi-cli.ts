import { obtainPulumiCli } from "../../scripts/pulumi-cli/obtain";

/** jest's globalSetup: on a bare machine the Pulumi CLI is obtained before the first test, whose time limit would not suffer a build. */
export default async function obtainBeforeTests(): Promise<void> {
  await obtainPulumiCli({ env: process.env, progress: (line) => void process.stderr.write(`${line}\n`) });
}
