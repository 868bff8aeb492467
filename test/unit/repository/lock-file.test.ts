import { readFileSync } from "node:fs";
import { join } from "node:path";

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node?: string };
}

const { packages } = JSON.parse(readFileSync(join(__dirname, "../../../package-lock.json"), "utf8")) as { packages: Record<string, LockedPackage> };

/** Where Node would look for a dependency of the package at `path`, nearest first. */
function places(path: string, name: string): string[] {
  const found = [`${path === "" ? "" : `${path}/`}node_modules/${name}`];
  for (let end = path.lastIndexOf("node_modules/"); end > 0; end = path.lastIndexOf("node_modules/", end - 1)) found.push(`${path.slice(0, end)}node_modules/${name}`);
  return [...found, `node_modules/${name}`];
}

test("the lock file holds the optional packages of every platform, without which npm ci refuses it", () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) => Object.keys(optionalDependencies).filter((name) => !places(path, name).some((place) => place in packages)).map((name) => `${name} of ${path}`));
  expect(missing).toEqual([]);
});

test("the lock file names no registry, so that each user's own is asked", () => {
  expect(Object.entries(packages).flatMap(([path, { resolved }]) => (resolved?.includes("://") === true ? [path] : []))).toEqual([]);
});
