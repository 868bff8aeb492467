import type { CommandResult } from "../support/checkout";
import { GcpCheckout } from "../support/gcp-checkout";
import type { Settings } from "../support/gcp-checkout";

// What can be known to be wrong before anything is made is told before anything is made: with a code, and the line that mends it.

let gcp: GcpCheckout;

beforeAll(async () => {
  gcp = await GcpCheckout.create();
});

afterAll(() => gcp.remove());

/** Nothing may come of a refusal; each expectation is found in what was said. */
function expectRefusal({ exitCode, stdout, stderr }: CommandResult, code: string, ...said: (RegExp | string)[]): void {
  expect({ exitCode: exitCode === 1 || exitCode === 2, stdout, stderr }).toEqual({ exitCode: true, stdout: "", stderr: expect.stringContaining(code) as string });
  for (const text of said) expect(stderr).toMatch(text);
  expect(gcp.cloud.operations()).toEqual([]);
}

/** A stack of each case's own, so that none sees another's settings. */
function stackFor(what: string): string {
  return what.toLowerCase().replace(/[^a-z]+/g, "").slice(-9);
}

describe("a stack's settings", () => {
  const image = (name: string, reference: string) => `europe-west1-docker.pkg.dev/example-project/services/${name}${reference}`;
  const cases: [what: string, settings: (of: GcpCheckout) => Settings, problem: RegExp, mend: RegExp][] = [
    ["a subnet of /29", (of) => ({ "bulkhead:network": { ...of.setting("bulkhead:network"), machinesRange: "10.20.4.0/29" } }), /network\.machinesRange 10\.20\.4\.0\/29 is too small/, /pulumi config set --path '?bulkhead:network\.machinesRange'? \S+\/28/],
    ["ranges that overlap", (of) => ({ "bulkhead:network": { ...of.setting("bulkhead:network"), machinesRange: "10.20.0.0/24" } }), /network\.machinesRange 10\.20\.0\.0\/24 overlaps network\.servicesRange 10\.20\.0\.0\/22/, /pulumi config set --path '?bulkhead:network\.machinesRange/],
    ["a region without the machine's family", (of) => ({ "bulkhead:sql": { ...of.setting("bulkhead:sql"), machineType: "db-custom-N4-4-15360" } }), /sql\.machineType is db-custom-N4-4-15360, but europe-west1 has no machines of the family/, /pulumi config set --path '?bulkhead:sql\.machineType'? db-custom-4-15360/],
    ["a budget of connections that cannot fit", (of) => ({ "bulkhead:services": { ...of.setting("bulkhead:services"), backend: { ...(of.setting("bulkhead:services")["backend"] as object), maxInstances: 20 } } }), /services\.backend\.maxInstances may come to 200 connections/, /pulumi config set --path '?bulkhead:services\.backend\.maxInstances'? 4/],
    ["an image without a digest", (of) => ({ "bulkhead:services": { ...of.setting("bulkhead:services"), backend: { ...(of.setting("bulkhead:services")["backend"] as object), image: image("backend", ":1.2.3") } } }), /services\.backend\.image is \S+backend:1\.2\.3, without a digest/, /pulumi config set --path '?bulkhead:services\.backend\.image'? \S+@sha256:/],
    ["an image without tag and digest, where tags will do", (of) => ({ "bulkhead:deletionProtection": false, "bulkhead:services": { ...of.setting("bulkhead:services"), backend: { ...(of.setting("bulkhead:services")["backend"] as object), image: image("backend", "") } } }), /services\.backend\.image is \S+backend, without a tag or digest/, /pulumi config set --path '?bulkhead:services\.backend\.image'? \S+:1\.0\.0/],
    ["Redis asked for and off", () => ({ "bulkhead:redis": false }), /redis is off, but services\.ts asks for it: backend/, /pulumi config set redis true/],
  ];

  test.each(cases)("%s is refused", async (what, settings, problem, mend) => {
    const stack = stackFor(what);
    gcp.configure(settings(gcp), stack);
    expectRefusal(await gcp.bulkhead(["preview", "--stack", stack]), "CONFIG_INVALID", problem, mend);
  });

  test("a name that is over the length of Google's is refused", async () => {
    const stack = "productionofthewholecompany";
    gcp.configure({}, stack);
    expectRefusal(await gcp.bulkhead(["preview", "--stack", stack]), "CONFIG_INVALID", /service account of frontend would be called \S+, but a service account has 6 to 30 characters.*the stack a shorter one/);
  });
});

test("callers that are everybody are refused", async () => {
  const shipped = gcp.checkout.read("services.ts");
  gcp.checkout.write("services.ts", shipped.replace('calls: ["backend", "accounts"]', 'calls: ["allUsers"]'));
  const result = await gcp.bulkhead(["preview"]);
  gcp.checkout.write("services.ts", shipped);
  expectRefusal(result, "CATALOG_INVALID", /allUsers/);
});

describe("a way to the database that does not lead there is refused", () => {
  test.each([
    ["direct, with nothing to try it on", { transport: "direct" }, "REACH_UNPROVEN", /pulumi config set --path '?bulkhead:reach\.probe/],
    ["direct, with a probe that nobody answers at", { transport: "direct", probe: "127.0.0.1:1" }, "REACH_NO_ROUTE", /pulumi config set --path '?bulkhead:reach\.transport job/],
  ])("%s", async (what, reach, code, mend) => {
    const stack = stackFor(what);
    gcp.configure({ "bulkhead:reach": reach }, stack);
    expectRefusal(await gcp.bulkhead(["up", "--stack", stack]), code, mend);
  });

  test("job, without the permission to run it", async () => {
    gcp.api.deny("run.jobs.run");
    expectRefusal(await gcp.bulkhead(["up"]), "GCP_PERMISSION", /run\.jobs\.run/, /gcloud projects add-iam-policy-binding/);
  });
});

// The last one: there is no way back.
test("credentials that have run out are refused", async () => {
  gcp.api.expireCredentials();
  expectRefusal(await gcp.bulkhead(["up"]), "GCP_CREDENTIALS", /gcloud auth application-default login/);
});
