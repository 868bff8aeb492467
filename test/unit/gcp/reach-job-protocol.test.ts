
import { findResult, isResultLine, packRequest, resultLines, unpackRequest } from "../../../components/gcp/reach/job-protocol";
import type { JobRequest, JobResult } from "../../../components/gcp/reach/job-protocol";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { planTier } from "../../../manager/src/plan/plan-tier";
import fc from "../../support/fast-check";

/** An error with these fields, for `toThrow`. */
function withFields(fields: object): Error {
  return expect.objectContaining(fields) as Error;
}

const ID = "0d1e7b1c-8f5e-4f39-9d3c-2f5f7a1c0000";

function requestOf(count: number): JobRequest {
  const catalog = defineServices(Object.fromEntries(Array.from({ length: count }, (_, index) => [`service-${index}`, { port: 2000 + index, connections: 1 }])));
  const plan = planTier(catalog, { admin: "bulkhead_admin", template: "template0", maxConnections: 100_000, reservedConnections: 10 });
  const schemas = Object.fromEntries(catalog.services.map(({ name }, index) => [name, `${index}`.padStart(64, "abcdef0123456789")]));
  return { setup: { version: 1, id: ID, operation: { kind: "observe", probe: true }, catalog, plan, schemas }, project: "p", region: "r", stack: "prod", endpoint: { host: "x.sql.goog", port: 5432, ca: "-----BEGIN CERTIFICATE-----\n".padEnd(2000, "A"), caPath: "/tmp/ca.crt" } };
}

const failure = (message: string): JobResult => ({ ok: false, error: { code: "SOME_CODE", message, hint: null } });

it("hands a request over as it is", () => {
  const request = requestOf(3);
  expect(unpackRequest(packRequest(request))).toEqual(request);
});

it("has room for a hundred compartments in one variable", () => {
  expect(packRequest(requestOf(100)).length).toBeLessThan(32_000);
});

it("refuses a request that Cloud Run would not take, and names another transport", () => {
  // Random names, which cannot be packed.
  const request = { ...requestOf(1), stack: Array.from({ length: 40_000 }, () => Math.random().toString(36).at(-1)).join("") };
  expect(() => packRequest(request)).toThrow(withFields({ code: "REACH_REQUEST_TOO_LARGE", hint: expect.stringContaining("tunnel") as string }));
});

it("refuses a request of a version to come", () => {
  const request = requestOf(1);
  expect(() => unpackRequest(packRequest({ ...request, setup: { ...request.setup, version: 2 as 1 } }))).toThrow(withFields({ code: "SETUP_IMAGE_STALE" }));
});

it("finds a result among other lines, in any order and with lines twice, and not before all of it is there", () => {
  fc.assert(
    // Long enough for several lines: what is random cannot be packed.
    fc.property(fc.string({ unit: "binary", minLength: 0, maxLength: 400 }), fc.integer({ min: 0, max: 5 }), fc.array(fc.string()), fc.infiniteStream(fc.double({ noNaN: true })), (text, size, noise, order) => {
      const random = Array.from({ length: size * 60_000 }, (_, index) => ((index * 2_654_435_761) >>> 7).toString(36)).join("").slice(0, size * 120_000);
      const result = failure(text.toWellFormed() + random);
      const lines = resultLines(ID, result);
      const shuffled = [...lines, ...noise, ...lines].map((line) => ({ line, key: order.next().value as number })).sort((a, b) => a.key - b.key).map(({ line }) => line);
      expect(findResult(ID, shuffled)).toEqual(result);
      for (const missing of lines) expect(findResult(ID, shuffled.filter((line) => line !== missing))).toBeUndefined();
    }),
    { numRuns: 25 },
  );
});

it("cuts a long result into lines that Logging takes", () => {
  const lines = resultLines(ID, failure(Array.from({ length: 400_000 }, () => Math.random().toString(36).at(-1)).join("")));
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line.length).toBeLessThan(256_000);
});

it("does not take a changed line, or another request's, for a result", () => {
  const [line] = resultLines(ID, failure("m"));
  expect(findResult("other", [line!])).toBeUndefined();
  expect(findResult(ID, [line!.replace(/(.)$/, (last) => (last === "A" ? "B" : "A"))])).toBeUndefined();
  expect(isResultLine(line!)).toBe(true);
  expect(isResultLine("auth: database made")).toBe(false);
});
