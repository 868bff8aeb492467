import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";

import { obtainDebianPackages } from "../debian-packages";

/** Where Docker's programs are: what to lay over an environment so that they are found. */
export type DockerPrograms = { readonly env: { readonly PATH: string; readonly LD_LIBRARY_PATH?: string; readonly XTABLES_LIBDIR?: string } } | { readonly missing: string };

/** What a daemon needs: itself and its helpers, the command line, and what its network is made with. */
const PROGRAMS = ["dockerd", "containerd", "containerd-shim-runc-v2", "runc", "docker-proxy", "docker", "ip", "iptables"];
const PACKAGES = ["docker.io", "iptables", "iproute2"];

/** Docker's programs of the PATH; else those of Debian's packages, unpacked into a cache. */
export function findDockerPrograms(): DockerPrograms {
  const path = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  if (PROGRAMS.every((name) => path.some((folder) => existsSync(join(folder, name))))) return { env: { PATH: path.join(delimiter) } };
  const packages = obtainDebianPackages(PACKAGES);
  if ("missing" in packages) return packages;
  const { PATH, LD_LIBRARY_PATH } = packages.env;
  const libraries = LD_LIBRARY_PATH.split(delimiter).map((folder) => join(folder, "xtables")).find((folder) => existsSync(folder));
  return { env: { PATH: [alternatives(packages.root), PATH, "/usr/sbin", "/sbin"].join(delimiter), LD_LIBRARY_PATH, ...(libraries === undefined ? {} : { XTABLES_LIBDIR: libraries }) } };
}

/** `iptables` itself is a link that the package's installation makes. */
function alternatives(root: string): string {
  const folder = `${root}-alternatives`;
  mkdirSync(folder, { recursive: true });
  const link = join(folder, "iptables");
  try {
    symlinkSync(join(root, "usr", "sbin", "xtables-nft-multi"), link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return folder;
}
