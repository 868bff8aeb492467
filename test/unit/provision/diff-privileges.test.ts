
import { sqlOf } from "../../../manager/src/provision/change";
import { describeDifference, diffPrivileges, privilegeSql } from "../../../manager/src/provision/diff-privileges";
import type { Grants } from "../../../manager/src/provision/diff-privileges";
import type { Privilege } from "../../../manager/src/provision/observed";
import fc from "../../support/fast-check";

const GRANTEES = ["PUBLIC", "app", "ro", 'odd "name"', "constructor"];
const PRIVILEGES = ["SELECT", "INSERT", "UPDATE", "DELETE"];
const actualAcl = fc.uniqueArray(fc.record({ grantee: fc.constantFrom(...GRANTEES), grantor: fc.constant("owner"), privilege: fc.constantFrom(...PRIVILEGES), grantable: fc.boolean() }), { selector: ({ grantee, privilege }) => `${grantee} ${privilege}` });
const wantedAcl = fc.dictionary(fc.constantFrom(...GRANTEES), fc.uniqueArray(fc.constantFrom(...PRIVILEGES)));

/** What Postgres makes of the statements, for one object whose grants all come from its owner. */
function execute(statements: readonly string[], acl: readonly Privilege[]): Set<string> {
  const state = new Map(acl.map(({ grantee, privilege, grantable }) => [`${grantee} ${privilege}`, grantable]));
  for (const statement of statements) {
    const match = /^(GRANT|REVOKE) (GRANT OPTION FOR )?(.+) ON TABLE t (?:TO|FROM) (.+?)(?: CASCADE)?$/.exec(statement);
    if (match === null) throw new Error(`not understood: ${statement}`);
    const [, verb, option, list, target] = match;
    const grantees = target!.split(", ").map((name) => (name === "PUBLIC" ? "PUBLIC" : name.slice(1, -1).replaceAll('""', '"')));
    for (const [grantee, privilege] of grantees.flatMap((grantee) => list!.split(", ").map((privilege) => [grantee, privilege] as const))) {
      const key = `${grantee} ${privilege}`;
      if (verb === "GRANT") state.set(key, state.get(key) ?? false);
      else if (option === undefined) state.delete(key);
      else if (state.has(key)) state.set(key, false);
    }
  }
  return new Set([...state].map(([key, grantable]) => (grantable ? `${key}*` : key)));
}

const asSet = (wanted: Grants): Set<string> => new Set(Object.entries(wanted).flatMap(([grantee, privileges]) => privileges.map((privilege) => `${grantee} ${privilege}`)));

describe("diffPrivileges", () => {
  test("applied to the ACL that is there, gives exactly the wanted one", () => {
    fc.assert(
      fc.property(actualAcl, wantedAcl, (actual, wanted) => {
        expect(execute(privilegeSql(diffPrivileges(actual, wanted), wanted, "TABLE t"), actual)).toEqual(asSet(wanted));
      }),
    );
  });

  test("finds nothing where nothing differs, and then needs no statement", () => {
    fc.assert(
      fc.property(wantedAcl, (wanted) => {
        const actual = Object.entries(wanted).flatMap(([grantee, privileges]) => privileges.map((privilege) => ({ grantee, grantor: "owner", privilege, grantable: false })));
        const difference = diffPrivileges(actual, wanted);
        expect(difference).toEqual({ extra: [], missing: [] });
        expect(privilegeSql(difference, wanted, "TABLE t")).toEqual([]);
        expect(describeDifference(difference)).toBe("");
      }),
    );
  });

  test("revokes before it grants, and says both in words", () => {
    const wanted = { app: ["SELECT"] };
    const difference = diffPrivileges([{ grantee: "PUBLIC", grantor: "owner", privilege: "SELECT", grantable: true }], wanted);
    expect(privilegeSql(difference, wanted, "TABLE t")).toEqual(["REVOKE SELECT ON TABLE t FROM PUBLIC CASCADE", 'GRANT SELECT ON TABLE t TO "app"']);
    expect(describeDifference(difference)).toBe("PUBLIC has SELECT WITH GRANT OPTION; app lacks SELECT");
  });
});

test("grants what several roles lack alike in one statement", () => {
  const wanted = { app: ["USAGE"], ro: ["USAGE"], owner: ["USAGE", "CREATE"] };
  expect(privilegeSql(diffPrivileges([], wanted), wanted, "SCHEMA s")).toEqual(['GRANT USAGE ON SCHEMA s TO "app", "ro"', 'GRANT USAGE, CREATE ON SCHEMA s TO "owner"']);
});

test("sqlOf writes what a person can paste, with odd role names quoted", () => {
  expect(sqlOf({ rule: "object-owner", service: "s", database: "d", finding: "f", statements: [{ sql: "A" }, { sql: "B", as: 'x"y' }] })).toBe('A; SET ROLE "x""y"; B; RESET ROLE;');
});
