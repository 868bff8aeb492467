import { createHash } from "node:crypto";

import { serviceNameProblem } from "../catalog/names";
import { BulkheadError } from "../errors/bulkhead-error";
import { ADMIN_COMMANDS, NO_COMMANDS, SERVICE_COMMANDS } from "./acl-rules";

/** No space in it: it becomes part of a user's name. */
const TOKEN = /^[\w.:-]{1,200}$/;

/** Bulkhead's own login. No service can have its name: names that begin with `bulkhead` are reserved. */
export const REDIS_ADMIN = "bulkhead_admin";

/**
 * A user that nobody can be, named for the token of the last setup: so the token stands in the ACL itself, is set and restored with it, and needs no room in a full Redis. It has a service's commands and no key, since
 * servers spell the same commands in their own ways: what a service has must be spelt as this user's are.
 */
const MARKER = "bulkhead_setup_";

/** A user as it should be. */
export interface AclUser {
  readonly name: string;
  /** The SHA-256 of its password in hexadecimal; null: nobody can log in. */
  readonly passwordHash: string | null;
  /** Patterns of keys. */
  readonly keys: readonly string[];
  /** Patterns of channels. */
  readonly channels: readonly string[];
  readonly commands: readonly string[];
}

/** A user as the server describes it. */
export interface LiveAclUser {
  readonly name: string;
  readonly enabled: boolean;
  /** Any password will do. */
  readonly nopass: boolean;
  readonly passwordHashes: readonly string[];
  /** Patterns, `%R~…` included. */
  readonly keys: readonly string[];
  readonly channels: readonly string[];
  /** In the server's spelling, see `inOneOrder`. */
  readonly commands: string;
  /** Anything that Bulkhead never sets: selectors, `skip-sanitize-payload`, what a later version brings. */
  readonly other: readonly string[];
}

/** What is planned of one service. */
export interface AclService {
  readonly name: string;
  readonly passwordHash: string;
}

export interface AclPlanOptions {
  /** See `hashPassword`. */
  readonly adminHash: string;
  readonly services: readonly AclService[];
  /** Of the setup: letters, digits, `-`, `_`, `.` and `:`. Null: none was yet. */
  readonly token: string | null;
}

/** Something in the server that is not as planned. */
export interface AclDifference {
  readonly name: string;
  readonly kind: "missing" | "extra" | "different";
  /** What is different, in words; never a hash. */
  readonly what: readonly string[];
}

/** As Redis stores it. Enough for a password of 192 random bits, and for no other. */
export function hashPassword(password: string): string {
  return createHash("sha256").update(password).digest("hex");
}

/**
 * Every user that there should be, and no other: the admin, one a service with its own prefix, the marker of the setup, and `default`, which cannot be deleted and is switched off.
 *
 * @throws BulkheadError `REDIS_SERVICE_NAME` for a name that is none of a service, or is `default`; `REDIS_TOKEN`
 */
export function planAcl({ adminHash, services, token }: AclPlanOptions): readonly AclUser[] {
  if (token !== null && !TOKEN.test(token)) throw new BulkheadError("REDIS_TOKEN", "the token of a setup of Redis has a character that no user's name can have");
  return [
    { name: "default", passwordHash: null, keys: [], channels: [], commands: NO_COMMANDS },
    { name: REDIS_ADMIN, passwordHash: adminHash, keys: ["*"], channels: ["*"], commands: ADMIN_COMMANDS },
    ...services.map(serviceUser),
    ...(token === null ? [] : [{ name: `${MARKER}${token}`, passwordHash: null, keys: [], channels: [], commands: SERVICE_COMMANDS }]),
  ];
}

/** What a service's keys and channels begin with. The colon ends it: `auth:` is not the beginning of anything that `auth2` has. */
export function redisScope(service: string): string {
  return `${service}:`;
}

function serviceUser({ name, passwordHash }: AclService): AclUser {
  // Patterns are globs, and `default` is Redis' own user: a name must be checked again where so much hangs on it.
  const problem = name === "default" ? "is the name of the user that Redis gives to whoever does not log in" : serviceNameProblem(name);
  if (problem !== undefined) throw new BulkheadError("REDIS_SERVICE_NAME", `the service "${name}" cannot have a user in Redis: its name ${problem}`, { hint: "rename it in services.ts, or leave redis out there" });
  const pattern = `${redisScope(name)}*`;
  return { name, passwordHash, keys: [pattern], channels: [pattern], commands: SERVICE_COMMANDS };
}

/** The rules that make any user this one, whatever it was before; for `ACL SETUSER` and for the ACL file. */
export function aclRules({ passwordHash, keys, channels, commands }: AclUser): readonly string[] {
  return ["reset", ...(passwordHash === null ? ["off"] : ["on", `#${passwordHash}`]), ...keys.map((pattern) => `~${pattern}`), ...channels.map((pattern) => `&${pattern}`), ...commands];
}

/** The ACL file, a line a user. */
export function renderAcl(users: readonly AclUser[]): string {
  return users.map((user) => `${aclLine(user)}\n`).join("");
}

export function aclLine(user: AclUser): string {
  return `user ${user.name} ${aclRules(user).join(" ")}`;
}

/** What `ACL LIST` answers. */
export function parseAcl(lines: readonly string[]): LiveAclUser[] {
  return lines.flatMap((line) => {
    const [keyword, name, ...tokens] = line.trim().split(/ +/);
    return keyword === "user" && name !== undefined ? [liveUser(name, tokens)] : [];
  });
}

function liveUser(name: string, tokens: readonly string[]): LiveAclUser {
  let selectorDepth = 0;
  const commands: string[] = [];
  const user = { name, enabled: false, nopass: false, passwordHashes: [] as string[], keys: [] as string[], channels: [] as string[], other: [] as string[] };
  for (const token of tokens) {
    // A selector is a second set of rules in parentheses; Bulkhead gives none.
    const inside = selectorDepth > 0 || token.startsWith("(");
    if (token.startsWith("(")) selectorDepth += 1;
    if (token.endsWith(")")) selectorDepth -= 1;
    if (inside) user.other.push(token);
    else if (token === "on" || token === "off") user.enabled = token === "on";
    else if (token === "nopass") user.nopass = true;
    else if (token.startsWith("#")) user.passwordHashes.push(token.slice(1));
    else if (token === "allkeys") user.keys.push("*");
    else if (token === "allchannels") user.channels.push("*");
    else if (token.startsWith("~")) user.keys.push(token.slice(1));
    else if (/^%[RW]+~/.test(token)) user.keys.push(token);
    else if (token.startsWith("&")) user.channels.push(token.slice(1));
    else if (/^[+-]/.test(token)) commands.push(token);
    else if (!DEFAULT_FLAGS.has(token)) user.other.push(token);
  }
  return { ...user, commands: inOneOrder(commands) };
}

/**
 * Redis 7.0 lists the single commands after its categories in the order of a table that it moves about while it lists. Between two categories the order of single commands says nothing; that of categories does, and
 * stays: `+@connection` after `-@dangerous` would bring CLIENT KILL back.
 */
function inOneOrder(commands: readonly string[]): string {
  const runs: string[][] = [[]];
  for (const command of commands) {
    if (command.includes("@")) runs.push([command], []);
    else runs.at(-1)!.push(command);
  }
  return runs.flatMap((run) => run.sort()).join(" ");
}

/** What a user that was just reset has; `alldbs` is Valkey's. */
const DEFAULT_FLAGS = new Set(["sanitize-payload", "resetchannels", "resetkeys", "resetdbs", "alldbs", "clearselectors"]);

/** The token of the last setup, if the server has exactly one. */
export function tokenOf(users: readonly { readonly name: string }[]): string | null {
  const markers = users.filter(({ name }) => name.startsWith(MARKER));
  return markers.length === 1 ? markers[0]!.name.slice(MARKER.length) : null;
}

/** What is not as planned, in the order in which it should be mended: what is too much first, the marker last. */
export function diffAcl(planned: readonly AclUser[], live: readonly LiveAclUser[]): AclDifference[] {
  const names = new Set(planned.map(({ name }) => name));
  const found = new Map(live.map((user) => [user.name, user]));
  const marker = live.find(({ name }) => name.startsWith(MARKER) && names.has(name));
  const extra = live.filter(({ name }) => !names.has(name)).map(({ name }): AclDifference => ({ name, kind: "extra", what: [] }));
  const others = planned.flatMap((user): AclDifference[] => {
    const is = found.get(user.name);
    if (is === undefined) return [{ name: user.name, kind: "missing", what: [] }];
    const what = differences(user, is, spelling(user, marker?.commands));
    return what.length === 0 ? [] : [{ name: user.name, kind: "different", what }];
  });
  return [...extra, ...others];
}

/** How the server should spell a user's commands; undefined where that cannot be known, since the marker is not there yet. */
function spelling({ commands }: AclUser, markersCommands: string | undefined): string | undefined {
  return commands === SERVICE_COMMANDS ? markersCommands : commands.join(" ");
}

function differences(user: AclUser, is: LiveAclUser, commands: string | undefined): string[] {
  const same = (a: readonly string[], b: readonly string[]): boolean => [...a].sort().join("\n") === [...b].sort().join("\n");
  const checks: readonly (readonly [string, boolean])[] = [
    ["on or off", is.enabled === (user.passwordHash !== null)],
    ["password", !is.nopass && same(is.passwordHashes, user.passwordHash === null ? [] : [user.passwordHash])],
    ["keys", same(is.keys, user.keys)],
    ["channels", same(is.channels, user.channels)],
    ["commands", is.commands === commands],
    ["other rules", is.other.length === 0],
  ];
  return checks.filter(([, ok]) => !ok).map(([what]) => what);
}

/** Whether a line of an ACL file is one that Bulkhead writes today for a service or a setup; anything else there could keep the server from starting. */
export function isOwnAclLine(line: string): boolean {
  const [, name = "", hash] = /^user (\S+) reset (?:off|on #([0-9a-f]{64})) /.exec(line) ?? [];
  if (name.startsWith(MARKER)) return line === aclLine({ name, passwordHash: null, keys: [], channels: [], commands: SERVICE_COMMANDS });
  if (hash === undefined || name === "default" || serviceNameProblem(name) !== undefined) return false;
  return line === aclLine(serviceUser({ name, passwordHash: hash }));
}
