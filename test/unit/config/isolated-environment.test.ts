import { inspect } from "node:util";
import { IsolatedEnvironment } from "../../../manager/src/config";
import fc from "../../support/fast-check";

const SECRET = "s3cret-Value";

describe("IsolatedEnvironment", () => {
  test("a service reads its own variables by prefix, and the allow-list without one", () => {
    const source = { AUTH_DATABASE_URL: "a", L2P_DATABASE_URL: "b", NODE_ENV: "test", PATH: "/bin", HOME: "/root" };
    const environment = new IsolatedEnvironment({ service: "auth", source });
    expect(environment.names()).toEqual(["DATABASE_URL", "NODE_ENV"]);
    expect(environment.get("DATABASE_URL")).toBe("a");
    expect(environment.nameOf("DATABASE_URL")).toBe("AUTH_DATABASE_URL");
    expect(environment.get("PATH")).toBeUndefined();
    expect(new IsolatedEnvironment({ service: "auth", source, allow: ["PATH"] }).names()).toEqual(["DATABASE_URL", "PATH"]);
  });

  test("the prefix follows from the service's name, or is given", () => {
    expect(new IsolatedEnvironment({ service: "user-api", source: { USER_API_X: "1" } }).get("X")).toBe("1");
    expect(new IsolatedEnvironment({ service: "auth", prefix: "IDENTITY_", source: { IDENTITY_X: "1" } }).get("X")).toBe("1");
    expect(() => new IsolatedEnvironment({ service: "auth", prefix: "auth", source: {} })).toThrow(expect.objectContaining({ code: "ENVIRONMENT_PREFIX" }) as Error);
  });

  test("a prefixed variable wins over the same one without prefix", () => {
    expect(new IsolatedEnvironment({ service: "auth", source: { DB_MAX_CONNECTIONS: "20", AUTH_DB_MAX_CONNECTIONS: "5" } }).get("DB_MAX_CONNECTIONS")).toBe("5");
  });

  test("with one prefixed connection variable, the unprefixed ones are not seen: no host from here meets a password from there", () => {
    const environment = new IsolatedEnvironment({ service: "auth", source: { AUTH_AWS_DB_HOST: "h", AWS_DB_PASSWORD: SECRET, DATABASE_URL: "postgresql://x", AWS_REQUIRE_SSL: "true" } });
    expect(environment.names()).toEqual(["AWS_DB_HOST", "AWS_REQUIRE_SSL"]);
  });

  test("an empty variable counts as not set", () => {
    expect(new IsolatedEnvironment({ service: "auth", source: { AUTH_DATABASE_URL: "", DATABASE_URL: "postgresql://u@h/d" } }).get("DATABASE_URL")).toBe("postgresql://u@h/d");
  });

  test("it is a copy: later changes of the source are not seen, and nothing is written to it", () => {
    const source: Record<string, string> = { AUTH_X: "1" };
    const environment = new IsolatedEnvironment({ service: "auth", source });
    source["AUTH_X"] = "2";
    expect(environment.get("X")).toBe("1");
    environment.with({ X: "3" });
    expect(source).toEqual({ AUTH_X: "2" });
    expect(Object.isFrozen(environment)).toBe(true);
  });

  test("an overlay leaks neither into the environment it was made from nor into process.env nor into another overlay", () => {
    const before = { ...process.env };
    const environment = new IsolatedEnvironment({ service: "auth", source: { AUTH_A: "1", AUTH_B: "2" } });
    const first = environment.with({ A: "first", B: undefined });
    const second = environment.with({ B: "second" });
    expect([environment, first, second].map((each) => [each.get("A"), each.get("B")])).toEqual([["1", "2"], ["first", undefined], ["1", "second"]]);
    expect({ ...process.env }).toEqual(before);
  });

  test("several services in one process share surroundings and settings, never an unprefixed connection", () => {
    const source = { NODE_ENV: "production", DATABASE_URL: "shared", DB_MAX_CONNECTIONS: "9", AUTH_DATABASE_URL: "a", AUTH_ADMIN_DATABASE_URL: "b", L2P_X: "1" };
    const { auth, l2p, "auth-admin": admin } = IsolatedEnvironment.forServices(["auth", "auth-admin", "l2p"], source);
    expect([auth.get("DATABASE_URL"), admin.get("DATABASE_URL"), l2p.get("DATABASE_URL")]).toEqual(["a", "b", undefined]);
    expect([auth, admin, l2p].map((each) => each.get("NODE_ENV"))).toEqual(["production", "production", "production"]);
    // The longer prefix owns the variable.
    expect(auth.get("ADMIN_DATABASE_URL")).toBeUndefined();
  });

  test("printing it shows no value", () => {
    const environment = new IsolatedEnvironment({ service: "auth", source: { AUTH_DATABASE_URL: SECRET } });
    for (const text of [inspect(environment, { depth: 9, showHidden: true }), JSON.stringify(environment)]) expect(text).not.toContain(SECRET);
  });

  test("whatever the variables are, two services see of each other's prefixed variables nothing", () => {
    const names = fc.dictionary(fc.tuple(fc.constantFrom("AUTH_", "L2P_", "AUTH_L2P_"), fc.constantFrom("A", "DATABASE_URL", "AWS_DB_PASSWORD")).map(([prefix, name]) => prefix + name), fc.string({ minLength: 1 }));
    fc.assert(
      fc.property(names, (source) => {
        const all = IsolatedEnvironment.forServices(["auth", "l2p", "auth-l2p"], source);
        const seen = [all.auth, all.l2p, all["auth-l2p"]].map((each) => each.names().map((name) => each.nameOf(name)));
        expect(seen.flat().sort()).toEqual(Object.keys(source).sort());
        expect(seen[0]?.every((name) => !name.startsWith("L2P_") && !name.startsWith("AUTH_L2P_"))).toBe(true);
      }),
    );
  });
});
