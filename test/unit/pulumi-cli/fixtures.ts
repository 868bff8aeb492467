import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { PINNED_PULUMI_VERSION } from "../../../scripts/pulumi-cli/version";

/** A temporary folder that acts as a user's machine: a home, and an environment whose PATH holds nothing but what a test puts there. */
export interface FakeMachine {
  readonly folder: string;
  readonly env: Record<string, string>;
  /** Where the pinned CLI belongs. */
  readonly pinnedBin: string;
  /** Puts a program into `<folder>/<name>`; `script` is JavaScript, run by this Node. */
  program(name: string, script: string): string;
  /** A program that prints a version as the CLI does. */
  cli(name: string, version: string): string;
  remove(): void;
}

export function fakeMachine(): FakeMachine {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "bulkhead-pulumi-cli-")));
  const home = path.join(folder, "home");
  mkdirSync(home);
  const program = (name: string, script: string): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `#!${process.execPath}\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  return {
    folder,
    env: { HOME: home, PULUMI_HOME: path.join(home, ".pulumi"), PATH: path.join(folder, "bin") },
    pinnedBin: path.join(home, ".pulumi", "versions", PINNED_PULUMI_VERSION, "bin"),
    program,
    cli: (name, version) => program(name, `console.log("v${version}");`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
