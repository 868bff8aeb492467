import { madeAtMs, templateName, testDatabaseName } from "../../../manager/src/testing/names";
import fc from "../../support/fast-check";

const serviceName = fc.stringMatching(/^[a-z][a-z0-9]{0,20}(-[a-z0-9]{1,20}){0,2}$/);
const file = { version: 1, name: "initial", checksum: "abc" };

test("names fit into Postgres' 63 bytes, and say when they were made", () => {
  fc.assert(fc.property(serviceName, fc.integer({ min: 0, max: 4e13 }), (service, nowMs) => {
    const name = testDatabaseName(service, nowMs);
    expect(name.length).toBeLessThanOrEqual(63);
    expect(`${templateName(service, "template0", [file])}_draft`.length).toBeLessThanOrEqual(63);
    expect(madeAtMs(name)).toBe(nowMs);
  }));
});

test("other names have no time, so nothing else is ever swept", () => {
  for (const name of ["auth_db", "postgres", "bulkhead_test", "bulkhead_test_owner", "bulkhead_template", "bulkhead_test_auth", templateName("auth", "template0", [file])]) expect(madeAtMs(name)).toBeUndefined();
});

test("a template's name changes with the service, the base and every file", () => {
  const other = [
    templateName("auth", "template0", [file]),
    templateName("auth2", "template0", [file]),
    templateName("auth", "other", [file]),
    templateName("auth", "template0", [{ ...file, checksum: "abd" }]),
    templateName("auth", "template0", [{ ...file, name: "x" }]),
    templateName("auth", "template0", [file, file]),
  ];
  expect(new Set(other).size).toBe(other.length);
  expect(templateName("auth", "template0", [file])).toBe(other[0]);
});
