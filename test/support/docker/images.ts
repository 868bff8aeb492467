import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { obtainDebianPackages } from "../debian-packages";
import type { DebianPackages } from "../debian-packages";
import type { DockerDaemon } from "./daemon";
import { RECIPES } from "./image-recipes";
import type { ImageName, Recipe } from "./image-recipes";

/** Raised when the same recipe makes another image. */
const FORM = 2;
/** Where an image says what it was made of; another recipe makes it anew. */
const RECIPE_LABEL = "bulkhead.tests.recipe";
/** What no server reads, and half of a small root file system. */
const LEFT_OUT = ["./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/info", "./usr/share/lintian", "./usr/share/perl", "./usr/lib/*/perl", "./usr/lib/*/perl-base", "./usr/lib/*/gconv", "./usr/include", "./usr/lib/llvm*", "./usr/lib/*/libLLVM*", "./usr/lib/postgresql/*/lib/llvmjit*", "./usr/lib/postgresql/*/lib/bitcode", "./usr/lib/*/libz3*"];

/** Whether the packages for these images can be had, known before tests are declared; downloads them if they are not there yet. */
export function lackOfImages(...names: readonly ImageName[]): string | undefined {
  for (const name of names) {
    const recipe: Recipe = RECIPES[name];
    const packages = packagesOf(recipe);
    if ("missing" in packages) return packages.missing;
    try {
      recipe.copies?.();
    } catch (error) {
      return (error as Error).message;
    }
  }
  return undefined;
}

function packagesOf({ packages, release }: Recipe): DebianPackages {
  return obtainDebianPackages(packages, { rootfs: true, ...(release !== undefined && { release }) });
}

/** Gives the daemon these images, under the names that they have at a registry. They stay on it from run to run. */
export async function provideImages(daemon: DockerDaemon, ...names: readonly ImageName[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const recipe: Recipe = RECIPES[name];
      const key = keyOf(name, recipe);
      const found = await daemon.api.find<{ Config: { Labels: Record<string, string> | null } }>(`/images/${name}/json`);
      if (found?.Config.Labels?.[RECIPE_LABEL] !== key) await importImage(daemon, name, recipe, key);
    }),
  );
}

async function importImage(daemon: DockerDaemon, name: ImageName, recipe: Recipe, key: string): Promise<void> {
  const packages = packagesOf(recipe);
  if ("missing" in packages) throw new Error(packages.missing);
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "bulkhead-tests");
  const own = mkdtempSync(join(cache, "image-"));
  try {
    // Links of the files, which nothing may be written through: the packages' folder is everybody's.
    execFileSync("cp", ["--archive", "--link", `${packages.root}/.`, own]);
    chmodSync(own, 0o755);
    completeSystem(own, recipe);
    for (const [from, to] of Object.entries(recipe.copies?.() ?? {})) {
      mkdirSync(dirname(join(own, to)), { recursive: true });
      cpSync(from, join(own, to), { recursive: true, dereference: true });
    }
    for (const [path, text] of Object.entries(recipe.files ?? {})) {
      mkdirSync(dirname(join(own, path)), { recursive: true });
      writeFileSync(join(own, path), text, { mode: 0o755 });
    }
    const { account } = recipe;
    for (const path of account?.owns ?? []) {
      mkdirSync(join(own, path), { recursive: true });
      chownSync(join(own, path), account!.id, account!.id);
    }
    const [repository = "", tag = ""] = name.split(":");
    const changes = [...recipe.configuration, `LABEL ${RECIPE_LABEL}=${key}`].map((change) => `&changes=${encodeURIComponent(change)}`).join("");
    const tar = spawn("tar", ["--create", "--numeric-owner", ...LEFT_OUT.map((path) => `--exclude=${path}`), "--directory", own, "."], { stdio: ["ignore", "pipe", "inherit"] });
    await daemon.api.post(`/images/create?fromSrc=-&repo=${encodeURIComponent(repository)}&tag=${encodeURIComponent(tag)}${changes}`, tar.stdout);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** What the packages' installation would have done to the system: accounts, where names are looked up, and folders that are no package's. */
function completeSystem(own: string, { account }: Recipe): void {
  // Without it names are asked of the network first, even localhost, and there is none.
  writeFileSync(join(own, "etc", "nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
  if (account !== undefined) {
    append(join(own, "etc", "passwd"), `${account.name}:x:${account.id}:${account.id}::${account.home}:/bin/bash\n`);
    append(join(own, "etc", "group"), `${account.name}:x:${account.id}:\n`);
  }
  for (const [folder, mode] of [["tmp", 0o1777], ["run", 0o755], ["proc", 0o755], ["sys", 0o755], ["dev", 0o755]] as const) execFileSync("install", ["--directory", `--mode=${mode.toString(8)}`, join(own, folder)]);
}

function append(file: string, line: string): void {
  const text = readFileSync(file, "utf8");
  rmSync(file);
  writeFileSync(file, text + line);
}

function keyOf(name: ImageName, recipe: Recipe): string {
  return createHash("sha256").update(JSON.stringify([FORM, name, recipe, Object.keys(recipe.copies?.() ?? {}), process.version])).digest("hex").slice(0, 16);
}
