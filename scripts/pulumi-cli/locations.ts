import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { PINNED_PULUMI_VERSION } from "./version";

/** The environment that a command was started with: `process.env`, or a test's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of this checkout (where `package.json` and `Pulumi.yaml` are). */
export const CHECKOUT = path.resolve(__dirname, "..", "..");

const EXE = process.platform === "win32" ? ".exe" : "";

/** File name of the CLI on this system. */
export const PULUMI_EXECUTABLE = `pulumi${EXE}`;

/**
 * Pulumi's home folder: `PULUMI_HOME`, else `~/.pulumi`, else (no HOME, or one that cannot be written) a folder of the checkout.
 * Give it to every CLI that is started, as PULUMI_HOME: the CLI itself fails where there is no HOME.
 */
export function pulumiHome(env: Environment): string {
  if (env["PULUMI_HOME"]) return path.resolve(env["PULUMI_HOME"]);
  const home = userHome(env);
  return home === undefined ? path.join(CHECKOUT, ".bulkhead", "pulumi-home") : path.join(home, ".pulumi");
}

/** The user's home folder, where it exists and can be written to. */
export function userHome(env: Environment): string | undefined {
  const home = env["HOME"] || env["USERPROFILE"];
  if (!home || !path.isAbsolute(home)) return undefined;
  try {
    accessSync(home, constants.W_OK);
    return home;
  } catch {
    return undefined;
  }
}

/** Where the pinned CLI is installed, by Pulumi's npm package as by its Automation API: `<home>/versions/<version>/bin`. */
export function pinnedBinFolder(env: Environment): string {
  return path.join(pulumiHome(env), "versions", PINNED_PULUMI_VERSION, "bin");
}

/** Folders of PATH, in order, without empty and repeated ones. */
export function pathFolders(env: Environment): string[] {
  return [...new Set((env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== ""))];
}

/** Whether `file` is a file that this user may execute. */
export function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
