import { aclLine, diffAcl, hashPassword, isOwnAclLine, parseAcl, planAcl, REDIS_ADMIN, renderAcl, tokenOf } from "../../../manager/src/redis/acl";
import type { AclUser, LiveAclUser } from "../../../manager/src/redis/acl";
import fc from "../../support/fast-check";

const hash = fc.string({ maxLength: 40 }).map(hashPassword);
const serviceName = fc.stringMatching(/^[a-z][a-z0-9]{0,6}(?:[-_][a-z0-9]{1,4}){0,3}$/).filter((name) => !/^(?:pg[_-]|bulkhead|public$|none$|postgres$|admin$|tier$|default$|rdsadmin$|cloudsql)/.test(name));
const services = fc.uniqueArray(fc.record({ name: serviceName, passwordHash: hash }), { selector: ({ name }) => name, maxLength: 6 });
const token = fc.stringMatching(/^[A-Za-z0-9-]{1,40}$/);

/** As Redis 7.0 lists a user: with the flags that it has by itself, and commands in its own spelling and order. */
function asListed({ name, passwordHash, keys, channels, commands }: AclUser): string {
  const spelt = commands.length === 1 ? commands[0]! : "-@all +@string -client|kill +get";
  return ["user", name, passwordHash === null ? "off" : "on", "sanitize-payload", ...(passwordHash === null ? [] : [`#${passwordHash}`]), ...keys.map((key) => `~${key}`), ...(name === REDIS_ADMIN ? [] : ["resetchannels"]), ...channels.map((channel) => `&${channel}`), spelt].join(" ");
}

const liveOf = (plan: readonly AclUser[]): LiveAclUser[] => parseAcl(plan.map(asListed));
const change = (live: readonly LiveAclUser[], name: string, changes: Partial<LiveAclUser>): LiveAclUser[] => live.map((user) => (user.name === name ? { ...user, ...changes } : user));

const PLAN = planAcl({ adminHash: hashPassword("admin"), services: [{ name: "auth", passwordHash: hashPassword("a") }, { name: "auth-2", passwordHash: hashPassword("b") }], token: "t-1" });

describe("the plan of users", () => {
  it("is a user a service for keys and channels under its name and a colon, an admin, the marker, and default switched off", () => {
    expect(PLAN.map(({ name, keys, channels, passwordHash }) => ({ name, keys, channels, login: passwordHash !== null }))).toEqual([
      { name: "default", keys: [], channels: [], login: false },
      { name: "bulkhead_admin", keys: ["*"], channels: ["*"], login: true },
      { name: "auth", keys: ["auth:*"], channels: ["auth:*"], login: true },
      { name: "auth-2", keys: ["auth-2:*"], channels: ["auth-2:*"], login: true },
      { name: "bulkhead_setup_t-1", keys: [], channels: [], login: false },
    ]);
  });

  it.each(["default", "a b", "a*", "auth:", "bulkhead_admin", "", "a\nuser x on nopass", "ünicode", "a~", "[a]"])("has no room for a service called %j", (name) => {
    expect(() => planAcl({ adminHash: "", services: [{ name, passwordHash: "" }], token: null })).toThrow(expect.objectContaining({ code: "REDIS_SERVICE_NAME" }) as Error);
  });

  it.each(["a b", "", "a\nb", "a)"])("takes no token that would not be one word of a user's name: %j", (bad) => {
    expect(() => planAcl({ adminHash: "", services: [], token: bad })).toThrow(expect.objectContaining({ code: "REDIS_TOKEN" }) as Error);
  });

  it("lets the prohibitions be the last rules, so that nothing above can undo them", () => {
    expect(PLAN.find(({ name }) => name === "auth")!.commands.slice(-2)).toEqual(["-@admin", "-@dangerous"]);
    expect(PLAN.find(({ name }) => name === "auth")!.commands[0]).toBe("-@all");
  });
});

describe("the ACL file", () => {
  it("is a line a user, each begun from nothing, and its lines are known again", () => {
    fc.assert(
      fc.property(services, hash, token, (some, adminHash, drawn) => {
        const lines = renderAcl(planAcl({ adminHash, services: some, token: drawn })).split("\n");
        expect(lines.pop()).toBe("");
        expect(lines).toHaveLength(some.length + 3);
        for (const line of lines) expect(line).toMatch(/^user \S+ reset (?:off|on #[0-9a-f]{64}) /);
        expect(lines.slice(2).every(isOwnAclLine)).toBe(true);
      }),
    );
  });

  it("counts no line as one's own that anything was added to or taken from", () => {
    fc.assert(
      fc.property(services, fc.nat(), fc.constantFrom("+@all", "allkeys", "~*", "nopass", "+config", ">secret", "(~* +@all)"), fc.nat(), (some, at, extra, where) => {
        fc.pre(some.length > 0);
        const line = aclLine(planAcl({ adminHash: "", services: some, token: null })[2 + (at % some.length)]!);
        const words = line.split(" ");
        const position = 2 + (where % (words.length - 2));
        expect(isOwnAclLine([...words.slice(0, position), extra, ...words.slice(position)].join(" "))).toBe(false);
        expect(isOwnAclLine(words.filter((_word, index) => index !== position).join(" "))).toBe(false);
      }),
    );
  });

  it("knows neither the admin's line nor default's as a service's", () => {
    for (const line of renderAcl(PLAN).split("\n").slice(0, 2)) expect(isOwnAclLine(line)).toBe(false);
    expect(isOwnAclLine(aclLine({ ...PLAN[2]!, name: "default" }))).toBe(false);
  });
});

describe("what is not as planned", () => {
  it("is nothing, however the server spells flags and commands, and in whatever order it lists users", () => {
    fc.assert(
      fc.property(services, hash, token, fc.nat(), (some, adminHash, drawn, turn) => {
        const plan = planAcl({ adminHash, services: some, token: drawn });
        const live = liveOf(plan);
        const turned = [...live.slice(turn % live.length), ...live.slice(0, turn % live.length)];
        expect(diffAcl(plan, turned)).toEqual([]);
        expect(tokenOf(live)).toBe(drawn);
      }),
    );
  });

  it.each<[string, Partial<LiveAclUser>, string]>([
    ["another password", { passwordHashes: [hashPassword("x")] }, "password"],
    ["a second password", { passwordHashes: [hashPassword("a"), hashPassword("x")] }, "password"],
    ["no password needed", { nopass: true }, "password"],
    ["switched off", { enabled: false }, "on or off"],
    ["all keys", { keys: ["*"] }, "keys"],
    ["one pattern more", { keys: ["auth:*", "auth2:*"] }, "keys"],
    ["reading everything", { keys: ["auth:*", "%R~*"] }, "keys"],
    ["all channels", { channels: ["*"] }, "channels"],
    ["more commands", { commands: "-@all +@string -client|kill +get +config" }, "commands"],
    ["a selector", { other: ["(~*", "+@all)"] }, "other rules"],
  ])("is found: %s", (_what, changes, word) => {
    expect(diffAcl(PLAN, change(liveOf(PLAN), "auth", changes))).toEqual([{ name: "auth", kind: "different", what: [word] }]);
  });

  it.each([["user x on (~* +@all) nopass ~x:* &x:* -@all", ["(~*", "+@all)"]], ["user x on skip-sanitize-payload ~x:* -@all", ["skip-sanitize-payload"]], ["user x on something-new -@all", ["something-new"]]])("sees in %j what Bulkhead never sets", (line, other) => {
    expect(parseAcl([line])).toEqual([expect.objectContaining({ name: "x", other, commands: "-@all" })]);
  });

  it("is nothing where single commands are listed in another order, and something where categories are", () => {
    const commandsOf = (rules: string): string => parseAcl([`user x on ${rules}`])[0]!.commands;
    expect(commandsOf("-@all +@string +get -client|kill -@dangerous -keys -info")).toBe(commandsOf("-@all +@string -client|kill +get -@dangerous -info -keys"));
    expect(commandsOf("-@all +@connection -@dangerous")).not.toBe(commandsOf("-@all -@dangerous +@connection"));
    expect(commandsOf("-@all +@string +get -@dangerous")).not.toBe(commandsOf("-@all +@string -@dangerous +get"));
  });

  it("is found: default switched on, a user too many, one too few", () => {
    const live = [...change(liveOf(PLAN), "default", { enabled: true, nopass: true }).filter(({ name }) => name !== "auth-2"), ...parseAcl(["user intruder on nopass ~* &* +@all"])];
    expect(diffAcl(PLAN, live)).toEqual([
      { name: "intruder", kind: "extra", what: [] },
      { name: "default", kind: "different", what: ["on or off", "password"] },
      { name: "auth-2", kind: "missing", what: [] },
    ]);
  });

  it("cannot be told of commands without the marker, so every service counts as different", () => {
    expect(diffAcl(PLAN, liveOf(PLAN).filter(({ name }) => !name.startsWith("bulkhead_setup")))).toEqual([
      { name: "auth", kind: "different", what: ["commands"] },
      { name: "auth-2", kind: "different", what: ["commands"] },
      { name: "bulkhead_setup_t-1", kind: "missing", what: [] },
    ]);
  });

  it("has no token where no setup ended, or two began", () => {
    expect(tokenOf([{ name: "default" }, { name: "auth" }])).toBeNull();
    expect(tokenOf([{ name: "bulkhead_setup_a" }, { name: "bulkhead_setup_b" }])).toBeNull();
  });
});
