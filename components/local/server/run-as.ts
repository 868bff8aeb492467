import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { PROGRAM_ENVIRONMENT } from "./run-program";
import type { Owner } from "../../write-file";

/** Who owns what in a stack; both undefined where an ordinary user runs everything as itself. */
export interface Identities {
  /** Whom Postgres runs as and to whom its data belongs: Postgres refuses to run as root. */
  readonly server: Owner | undefined;
  /** To whom certificates, secrets and the log belong: the owner of the checkout, so that what root made does not lock them out. */
  readonly files: Owner | undefined;
}

/** The user called `nobody` where the user database does not name one. */
const NOBODY: Owner = { uid: 65534, gid: 65534 };

/**
 * Chooses by whom Postgres runs. An ordinary user: itself. Root: whoever owns the data that is there, else the owner of the checkout if
 * this machine knows that user (initdb insists; in a container with the checkout mounted it often does not), else the user `postgres`,
 * else `nobody`.
 */
export function chooseIdentities(stackDirectory: string, dataDirectory: string): Identities {
  if (process.getuid?.() !== 0) return { server: undefined, files: undefined };
  const checkout = ownerOfNearest(stackDirectory);
  const files = checkout.uid === 0 ? undefined : checkout;
  const known = files !== undefined && isKnownUser(files.uid) ? files : undefined;
  return { files, server: dataOwner(dataDirectory) ?? known ?? userNamed("postgres") ?? userNamed("nobody") ?? NOBODY };
}

/**
 * Whether a user can get to a path: every folder above it lets them through, and they may read (and for a folder, enter) the thing itself.
 * Access lists beyond the nine permission bits are not looked at.
 */
export function canReach(path: string, owner: Owner): boolean {
  for (let place = resolve(path); ; place = dirname(place)) {
    const isGoal = place === resolve(path);
    const stats = statSync(place);
    const wanted = isGoal ? (stats.isDirectory() ? 0o5 : 0o4) : 0o1;
    if (!mayDo(stats, owner, wanted)) return false;
    if (place === dirname(place)) return true;
  }
}

/** The classes of permission bits: a user's own class decides alone, also where a later one would allow more. */
export function mayDo(stats: { readonly uid: number; readonly gid: number; readonly mode: number }, owner: Owner, wanted: number): boolean {
  const shift = stats.uid === owner.uid ? 6 : stats.gid === owner.gid ? 3 : 0;
  return ((stats.mode >> shift) & wanted) === wanted;
}

/** Whether the user database of this machine, which may be more than /etc/passwd, has the user. */
export function isKnownUser(uid: number): boolean {
  return spawnSync("id", ["-nu", String(uid)], { stdio: "ignore", timeout: 5_000, env: PROGRAM_ENVIRONMENT }).status === 0;
}

/** Finds a user in the text of /etc/passwd. */
export function findUser(passwd: string, name: string): Owner | undefined {
  for (const line of passwd.split("\n")) {
    const [user, , uid, gid] = line.split(":");
    // Root under another name is still root.
    if (user === name && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function userNamed(name: string): Owner | undefined {
  try {
    return findUser(readFileSync("/etc/passwd", "utf8"), name);
  } catch {
    return undefined;
  }
}

function dataOwner(dataDirectory: string): Owner | undefined {
  try {
    const { uid, gid } = statSync(dataDirectory);
    return uid === 0 ? undefined : { uid, gid };
  } catch {
    return undefined;
  }
}

/** Of the folder itself or, before it is made, of the closest one above it. */
function ownerOfNearest(path: string): Owner {
  for (let place = resolve(path); ; place = dirname(place)) {
    try {
      const { uid, gid } = statSync(place);
      return { uid, gid };
    } catch (error) {
      if (place === dirname(place)) throw error;
    }
  }
}
