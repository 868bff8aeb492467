import { callGoogle } from "../../../components/gcp/google/clients";
import { googleError, isPassing, readFailure } from "../../../components/gcp/google/failures";

const body = (code: number, status: string, message = "said Google") => ({ error: { code, status, message } });

it.each([
  ["a REST answer", Object.assign(new Error("said Google"), { status: 429, response: { status: 429, data: body(429, "RESOURCE_EXHAUSTED") } }), "RESOURCE_EXHAUSTED"],
  ["an answer that a client library left as text", Object.assign(new Error(JSON.stringify(body(400, "FAILED_PRECONDITION"))), { code: 400, status: 400, response: { status: 400 } }), "FAILED_PRECONDITION"],
  ["a bare status", Object.assign(new Error("no"), { status: 503 }), "UNAVAILABLE"],
  ["a refused connection", Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }), "UNREACHABLE"],
  ["credentials that were never there", new Error("Could not load the default credentials. Browse to …"), "UNAUTHENTICATED"],
  ["a login that has run out", Object.assign(new Error("invalid_grant"), { status: 400, response: { status: 400, data: { error: "invalid_grant" } } }), "UNAUTHENTICATED"],
  ["something else", new Error("?"), "UNKNOWN"],
])("reads %s", (_what, error, status) => {
  expect(readFailure(error).status).toBe(status);
});

it("takes only what Google has not done for worth another attempt", () => {
  expect(isPassing({ status: "UNAVAILABLE", message: "" })).toBe(true);
  expect(isPassing({ status: "RESOURCE_EXHAUSTED", message: "" })).toBe(true);
  expect(isPassing({ status: "INTERNAL", message: "" })).toBe(false);
});

describe("a connection that breaks under a call", () => {
  const broken = Object.assign(new Error("request failed"), { cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }) });

  it("is made up for where the call changes nothing", async () => {
    const call = jest.fn().mockRejectedValueOnce(broken).mockResolvedValue("answer");
    await expect(callGoogle(call, { what: "reading", repeatable: true })).resolves.toBe("answer");
  });

  it("is told where nobody knows whether the call was heard", async () => {
    const call = jest.fn().mockRejectedValue(broken);
    await expect(callGoogle(call, { what: "starting the job" })).rejects.toMatchObject({ message: expect.stringContaining("starting the job failed") as string });
    expect(call).toHaveBeenCalledTimes(1);
  });
});

it("names what was done, and the mend, and no token", () => {
  const error = googleError(Object.assign(new Error("bad"), { response: { status: 401, data: body(401, "UNAUTHENTICATED", "Bearer ya29.a-very-long-token-of-somebody is bad") } }), "reading the secret x");
  expect(error).toMatchObject({ code: "GCP_CREDENTIALS", hint: expect.stringContaining("gcloud auth application-default login") as string });
  expect(error.message).toContain("reading the secret x failed");
  expect(error.message).not.toContain("ya29");
});

it("names the role that is missing", () => {
  expect(googleError(Object.assign(new Error("no"), { status: 403 }), "reading", "roles/secretmanager.secretAccessor")).toMatchObject({ code: "GCP_PERMISSION", hint: expect.stringContaining("roles/secretmanager.secretAccessor") as string });
});
