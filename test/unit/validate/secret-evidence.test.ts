
import { defineServices } from "../../../manager/src/catalog/define-services";
import { planTier } from "../../../manager/src/plan/plan-tier";
import { makeSecret, SECRET_LOGINS } from "../../../manager/src/secrets/secret";
import type { DatabaseSecret } from "../../../manager/src/secrets/secret";
import { secretProblems } from "../../../manager/src/validate/secret-evidence";
import fc from "../../support/fast-check";

const endpoint = { host: "localhost", port: 5432, ca: "-----BEGIN CERTIFICATE-----", caPath: "/tmp/it's a path/ca.crt" };

function compartmentOf(database: string, urlParameters: Record<string, string> = {}) {
  return planTier(defineServices({ auth: { port: 1, database, urlParameters } }), { admin: "bulkhead_admin", template: "template0", maxConnections: 100, reservedConnections: 0 }).compartments[0]!;
}

test("a secret that provisioning made has no problem, whatever the database is called and the password is", () => {
  const databaseName = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((name) => !/[\p{Cc}]/u.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= 63 && !/^(bulkhead|postgres$|template)/.test(name));
  fc.assert(
    fc.property(databaseName, fc.string({ minLength: 1 }).filter((password) => !password.includes("\0")), fc.constantFrom(...SECRET_LOGINS), fc.boolean(), (database, password, login, prisma) => {
      const urlParameters: Record<string, string> = prisma ? { schema: "public" } : {};
      const compartment = compartmentOf(database, urlParameters);
      const username = login === "app" ? compartment.roles.users[0] : compartment.roles[login];
      expect(secretProblems(makeSecret(endpoint, { dbname: database, username, password, urlParameters }), { compartment, login, endpoint })).toEqual([]);
    }),
  );
});

test("after a rotation the other login of the pair is as good", () => {
  const compartment = compartmentOf("auth_db");
  expect(secretProblems(makeSecret(endpoint, { dbname: "auth_db", username: "auth_user_b", password: "p" }), { compartment, login: "app", endpoint })).toEqual([]);
});

test.each<[string, Partial<DatabaseSecret>, RegExp]>([
  ["host", { host: "elsewhere" }, /^host is elsewhere, not localhost$/],
  ["port", { port: 6543 }, /^port is 6543, not 5432$/],
  ["database", { dbname: "l2p_db" }, /^dbname is l2p_db, not auth_db$/],
  ["user", { username: "l2p_user" }, /^username is l2p_user, not auth_user or auth_user_b$/],
  ["authority", { ca: "another" }, /^ca is another certificate/],
  ["password", { password: "another" }, /^the URL's password is not that of the password field$/],
  ["URL that is none", { url: "mysql://hunter2" }, /^its URL cannot be read/],
  ["URL without verification", { url: "postgresql://auth_user:hunter2@localhost:5432/auth_db?sslmode=require&sslrootcert=x" }, /^the URL's sslmode is require, not verify-full$/],
])("a wrong %s is named, and no password is", (_what, wrong, expected) => {
  const secret = { ...makeSecret(endpoint, { dbname: "auth_db", username: "auth_user", password: "hunter2" }), ...wrong };
  const problems = secretProblems(secret, { compartment: compartmentOf("auth_db"), login: "app", endpoint });
  expect(problems).toContainEqual(expect.stringMatching(expected));
  expect(problems.join()).not.toContain("hunter2");
});
