import { GcpCheckout } from "../support/gcp-checkout";
import { importRecordedState, RECORDED_SERVICES } from "../support/recorded-gcp-state";

// A stack that an earlier version made must not be made anew by this one: a resource of another name, type or parent is another resource to
// Pulumi, and a database or an address that is replaced is data or users lost. The simulated provider knows which properties force a
// replacement from the same declarations as everything else of it; a provider's own rules beyond those are not known here.

let gcp: GcpCheckout;

beforeAll(async () => {
  gcp = await GcpCheckout.create({ services: RECORDED_SERVICES });
});

afterAll(() => gcp.remove());

test("the recorded state previews without a replacement and without a resource that goes", async () => {
  expect(await importRecordedState(gcp)).toBeGreaterThan(150);
  const steps = await gcp.plannedSteps();
  expect(steps.filter(({ op }) => /replace|delete/.test(op))).toEqual([]);
  // The database is not there in this cloud, so every setup would run again; resources of later versions may come, and properties change.
  expect(steps.filter(({ type }) => type === "pulumi:index:Stash").map(({ op }) => op)).toContain("update");
  expect(gcp.cloud.operations()).toEqual([]);
});

test("a resource that was renamed would be seen", async () => {
  const source = gcp.checkout.read("components/gcp/tier.ts");
  expect(source).toContain('new SqlAddress("sql-address"');
  gcp.checkout.write("components/gcp/tier.ts", source.replace('new SqlAddress("sql-address"', 'new SqlAddress("sql-name"'));
  const gone = (await gcp.plannedSteps()).filter(({ op }) => /replace|delete/.test(op)).map(({ name }) => name);
  expect(gone).toContain("sql-address");
});
