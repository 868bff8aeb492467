import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, join } from "node:path";

/** Debian packages unpacked into a folder, or why there are none. */
export type DebianPackages =
  | {
      /** What would be `/` if they were installed. */
      readonly root: string;
      /** To be spread over a program's environment: `PATH` with the unpacked programs before its own, `LD_LIBRARY_PATH` with the unpacked libraries. Not for a `rootfs` or another release, whose libc is not the machine's. */
      readonly env: { readonly PATH: string; readonly LD_LIBRARY_PATH: string };
    }
  | { readonly missing: string };

export interface DebianPackagesOptions {
  /** True: everything the packages need down to libc and a shell, as the root file system of a container's image. Default false: without what every Debian machine has. */
  readonly rootfs?: boolean;
  /** Another release than the machine's, by its code name: everything the packages need down to libc, to be run by `programOf`. Default: the machine's. */
  readonly release?: string;
  /** Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

/** For one run of apt or dpkg; a megabyte a second brings ClickHouse. Milliseconds. */
const COMMAND_TIMEOUT_MS = 300_000;
/** What a start script expects beside the packages that were asked for: a shell, the usual commands, users, setpriv and runuser, getent. */
const ROOTFS_BASE = ["base-files", "base-passwd", "bash", "coreutils", "dash", "findutils", "grep", "hostname", "libc-bin", "sed", "util-linux"];
const LIBRARY_FOLDERS = ["usr/lib", "lib"];
/** Where Debian's package of keys puts them; a release younger than that package is refused by apt. */
const DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Debian's packages with all they depend on, downloaded by apt and unpacked into a cache; nothing is installed, no maintainer script runs, and root is not needed. The folder is whole or not there at all, and
 * others use it too: nothing may be written into it. Synchronous: whether tests are skipped must be known before they are declared.
 */
export function obtainDebianPackages(names: readonly string[], { rootfs = false, release, env = process.env }: DebianPackagesOptions = {}): DebianPackages {
  if (process.platform !== "linux") return { missing: `${names.join(", ")}: Debian's packages run on Linux only` };
  const wanted = [...new Set(names)].sort();
  const root = join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "bulkhead-tests", `debian-${keyOf(wanted, rootfs, release)}`);
  try {
    if (!existsSync(root)) unpack(wanted, { rootfs, release }, root);
  } catch (error) {
    return { missing: `${names.join(", ")} cannot be had from Debian (${firstLine(error)})` };
  }
  return { root, env: { PATH: [...["usr/sbin", "usr/bin", "sbin", "bin"].map((folder) => join(root, folder)), env["PATH"] ?? ""].join(delimiter), LD_LIBRARY_PATH: libraryFolders(root).join(delimiter) } };
}

/** Names, release and architecture; readable, and short however many names there are. */
function keyOf(names: readonly string[], rootfs: boolean, release = machineRelease()): string {
  const hash = createHash("sha256").update(JSON.stringify([names, rootfs ? ROOTFS_BASE : []])).digest("hex").slice(0, 12);
  return `${names[0] ?? "none"}-${release}-${process.arch}-${rootfs ? "rootfs-" : ""}${hash}`;
}

function machineRelease(): string {
  return existsSync("/etc/os-release") ? (/^VERSION_CODENAME=(\S+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown") : "unknown";
}

/** A command line for a program of another release's packages: run by their dynamic linker, with their libraries. */
export function programOf(root: string, path: string): readonly [string, ...string[]] {
  const linker = ["lib64", "lib", "usr/lib64", "usr/lib"].map((folder) => join(root, folder)).flatMap((folder) => (existsSync(folder) ? readdirSync(folder).filter((name) => /^ld-linux.*\.so\.\d$/.test(name)).map((name) => join(folder, name)) : []))[0];
  if (linker === undefined) throw new Error(`no dynamic linker in ${root}`);
  return [linker, "--argv0", basename(path), "--library-path", libraryFolders(root).join(delimiter), join(root, path)];
}

/** Those of the linker's default path, and the folder of the architecture in each, where there are libraries in them. */
function libraryFolders(root: string): string[] {
  return LIBRARY_FOLDERS.map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [folder, ...readdirSync(folder).filter((name) => /-linux-gnu\w*$/.test(name)).map((name) => join(folder, name))])
    .filter((folder) => readdirSync(folder).some((name) => name.includes(".so")));
}

/** Made under another name and renamed: it is there whole or not at all. */
function unpack(names: readonly string[], from: PackageSource, root: string): void {
  mkdirSync(join(root, ".."), { recursive: true });
  const draft = mkdtempSync(`${root}-`);
  const work = mkdtempSync(`${root}-apt-`);
  try {
    for (const file of download(names, from, work)) {
      run("dpkg", "-x", file, draft);
      rmSync(file);
    }
    if (from.rootfs) addAccounts(draft);
    renameSync(draft, root);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(root)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Which packages are taken, and from which release of Debian; undefined: the machine's. */
interface PackageSource {
  readonly rootfs: boolean;
  readonly release: string | undefined;
}

/** The downloaded files. The machine's own package lists may be missing, of another release, or so old that what they name is gone: then from lists of our own. */
function download(names: readonly string[], from: PackageSource, work: string): string[] {
  if (from.release === undefined) {
    try {
      return downloadBy(aptOptions(work), names, from, work);
    } catch {
      // With lists of our own, then.
    }
  }
  mkdirSync(join(work, "lists", "partial"), { recursive: true });
  const options = [...aptOptions(work), "-o", `Dir::State::Lists=${join(work, "lists")}`, ...(from.release === undefined ? [] : sourcesOf(from.release, work))];
  // `update` says 0 where some list could not be had; whether the packages are among the others shows next.
  run("apt-get", ...options, "-qq", "update");
  return downloadBy(options, names, from, work);
}

/** Another release, from where the machine has its own. */
function sourcesOf(release: string, work: string): string[] {
  const own = run("apt-get", "indextargets", "--format", "$(RELEASE) $(ORIGIN) $(REPO_URI)", "Created-By: Packages").split("\n").map((line) => line.split(" "));
  const uri = own.find(([name, origin]) => name === machineRelease() && origin === "Debian")?.[2];
  if (uri === undefined) throw new Error("apt knows no mirror of Debian here");
  const list = join(work, "sources.list");
  writeFileSync(list, `deb [signed-by=${DEBIAN_KEYS}] ${uri} ${release} main\n`);
  return ["-o", `Dir::Etc::sourcelist=${list}`, "-o", "Dir::Etc::sourceparts=-"];
}

function downloadBy(options: readonly string[], names: readonly string[], { rootfs, release }: PackageSource, work: string): string[] {
  const fetch = (...wanted: readonly string[]): string[] => ["-qq", "-y", "--no-install-recommends", "--allow-downgrades", "install", ...wanted];
  // apt is shown a machine with nothing installed, so it names all that is needed, one of each alternative.
  const closure = (...wanted: readonly string[]): Set<string> => new Set(run("apt-get", ...options, "--print-uris", ...fetch(...wanted)).split("\n").flatMap((line) => /^'.*' (\S+\.deb) /.exec(line)?.[1] ?? []));
  const everyMachineHas = rootfs || release !== undefined ? new Set<string>() : closure("?essential");
  const files = [...closure(...names, ...(rootfs ? ROOTFS_BASE : []))].filter((file) => !everyMachineHas.has(file));
  run("apt-get", ...options, "--download-only", ...fetch(...names, ...(rootfs ? ROOTFS_BASE : [])));
  return files.map((file) => join(work, "archives", file));
}

/** Everything that apt writes goes below `work`, so neither root nor the machine's lock is needed. */
function aptOptions(work: string): string[] {
  mkdirSync(join(work, "archives", "partial"), { recursive: true });
  writeFileSync(join(work, "status"), "");
  const settings = [`Dir::State::status=${join(work, "status")}`, `Dir::State::extended_states=${join(work, "extended_states")}`, `Dir::Cache=${work}`, `Dir::Cache::archives=${join(work, "archives")}/`, "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", "Debug::NoLocking=1", "APT::Sandbox::User=root", "APT::Update::Post-Invoke::=", "Acquire::Retries=2", "Acquire::http::Timeout=20"];
  return settings.flatMap((setting) => ["-o", setting]);
}

/** What base-passwd's maintainer script does: root, nobody and the other accounts that every Debian has. */
function addAccounts(root: string): void {
  for (const name of ["passwd", "group"]) copyFileSync(join(root, "usr", "share", "base-passwd", `${name}.master`), join(root, "etc", name));
}

function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", timeout: COMMAND_TIMEOUT_MS, maxBuffer: 16 << 20, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" } });
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const text = typeof stderr === "string" && stderr.trim() !== "" ? stderr : String(message);
  return text.trim().split("\n")[0]!.slice(0, 200);
}
