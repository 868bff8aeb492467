
import { parseAcl, readAcl } from "../../../manager/src/postgres/acl";
import { quoteIdentifier, quoteLiteral } from "../../../manager/src/postgres/identifier";
import { classifyLoginFailure } from "../../../manager/src/postgres/login-failure";
import { scramVerifier } from "../../../manager/src/postgres/scram";
import fc from "../../support/fast-check";

describe("quoteIdentifier", () => {
  test("quotes any name so that it reads back as itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 15 }).filter((name) => !name.includes("\0") && Buffer.byteLength(name) <= 63), (name) => {
        const quoted = quoteIdentifier(name);
        expect(quoted).toMatch(/^"(?:[^"]|"")*"$/s);
        expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(name);
      }),
    );
  });

  test.each(["", "a\0b", "x".repeat(64), "ü".repeat(32)])("refuses %j", (name) => {
    expect(() => quoteIdentifier(name)).toThrow(expect.objectContaining({ code: "IDENTIFIER_INVALID" }) as Error);
  });
});

test("quoteLiteral doubles quotes, escapes backslashes and refuses NUL", () => {
  expect(quoteLiteral("it's")).toBe("'it''s'");
  expect(quoteLiteral("a\\b").trim()).toBe("E'a\\\\b'");
  expect(() => quoteLiteral("\0")).toThrow(expect.objectContaining({ code: "LITERAL_INVALID" }) as Error);
});

describe("parseAcl", () => {
  test("reads grantees, grantors, privileges and grant options", () => {
    expect(parseAcl(["=Tc/owner", 'app=r*w/"odd ""owner"""', '"a=b/c"=X/owner'])).toEqual([
      { grantee: "PUBLIC", grantor: "owner", privilege: "TEMPORARY", grantable: false },
      { grantee: "PUBLIC", grantor: "owner", privilege: "CONNECT", grantable: false },
      { grantee: "app", grantor: 'odd "owner"', privilege: "SELECT", grantable: true },
      { grantee: "app", grantor: 'odd "owner"', privilege: "UPDATE", grantable: false },
      { grantee: "a=b/c", grantor: "owner", privilege: "EXECUTE", grantable: false },
    ]);
  });

  test("reads an entry that gives nothing as nothing", () => {
    expect(parseAcl(["x=/owner"])).toEqual([]);
  });

  test.each(["nonsense", "x=Q/owner", "x=r"])("refuses %j rather than overlook a privilege", (item) => {
    expect(() => parseAcl([item])).toThrow(expect.objectContaining({ code: "ACL_UNREADABLE" }) as Error);
  });

  test("knows what Postgres gives without an ACL", () => {
    expect(readAcl(null, "relation", "o").privileges).toEqual([]);
    expect(readAcl(null, "routine", "o").privileges).toMatchObject([{ grantee: "PUBLIC", privilege: "EXECUTE" }]);
    expect(readAcl(null, "database", "o").privileges.map(({ privilege }) => privilege)).toEqual(["CONNECT", "TEMPORARY"]);
    expect(readAcl(["o=arwd/o", "p=r/o"], "relation", "o").privileges).toMatchObject([{ grantee: "p" }]);
  });
});

test("scramVerifier has Postgres' form, a salt of its own each time, and not the password", async () => {
  const [first, second] = await Promise.all([scramVerifier("secret"), scramVerifier("secret")]);
  expect(first).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
  expect(first).not.toBe(second);
  expect(first).not.toContain("secret");
});

test.each([
  [{ code: "28P01" }, "password"],
  [{ code: "53300" }, "refused after authentication"],
  [{ code: "3D000" }, "refused after authentication"],
  [{ code: "42501" }, "refused after authentication"],
  [{ code: "57P03" }, "unreachable"],
  [{ code: "ECONNREFUSED" }, "unreachable"],
  [new Error("timeout"), "unreachable"],
  [null, "unreachable"],
])("classifyLoginFailure takes %j for: %s", (error, failure) => {
  expect(classifyLoginFailure(error)).toBe(failure);
});
