import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

import type { StoreAbsence } from "../../../manager/src/stores/store";

/** Where servers are that an ordinary user's PATH does not lead to. */
const MORE_FOLDERS = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/sbin", "/opt/homebrew/bin"];

/** The first program of this name in a folder of the PATH, or of those that servers are put in; undefined where there is none. */
export function findOnPath(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  // A relative folder of the PATH means another one in another working folder, and servers are started in theirs.
  const folders = [...path.split(delimiter).filter((folder) => isAbsolute(folder)), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The command line that installs a server. `packages`: its name by package manager; `otherwise`: where none of them is there, or has it. */
export function installCommand(packages: Readonly<Record<string, string>>, otherwise: string): string {
  const found = INSTALLERS.find(({ manager }) => Object.hasOwn(packages, manager) && findOnPath(manager) !== undefined);
  const install = found === undefined ? otherwise : `${found.asRoot ? SUDO : ""}${found.manager} ${found.verb} ${packages[found.manager]}`;
  return `${install} && npm run up`;
}

/** Nothing to prefix where root works already. */
export const SUDO = process.getuid?.() === 0 ? "" : "sudo ";

/** Ordered: a Linux with Homebrew has its own first. */
const INSTALLERS = [
  { manager: "apt-get", verb: "install -y", asRoot: true },
  { manager: "dnf", verb: "install -y", asRoot: true },
  { manager: "apk", verb: "add", asRoot: true },
  { manager: "pacman", verb: "-S --noconfirm", asRoot: true },
  { manager: "brew", verb: "install", asRoot: false },
] as const;

/** Why a program that is not there cannot be used. */
export function missing(title: string, program: string, fix: string): StoreAbsence {
  return { reason: `${title} is not on this machine (there is no ${program} on the PATH)`, fix };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
