import { Checkout } from "../support/checkout";
import { withSession, clientConfig } from "../../manager/src/postgres/connect";
import type { DatabaseSecret } from "../../manager/src/secrets/secret";

// What differs in the tier as a whole and in no compartment: it has no anchor of its own, and is mended all the same.

interface Preview {
  readonly changes: Readonly<Record<string, number>>;
  readonly database: readonly { readonly service: string; readonly findings: readonly string[]; readonly statements: readonly string[] }[];
}

let checkout: Checkout;

beforeAll(async () => {
  checkout = await Checkout.create({ services: "auth: { port: 5500 }, payment: { port: 3004 }" });
  expect((await checkout.up()).ok).toBe(true);
});

afterAll(() => checkout.remove());

test("a preview names it, the next up mends it, and after that there is nothing to do", async () => {
  const admin = JSON.parse(checkout.read(".bulkhead/dev/secrets/admin.json")) as DatabaseSecret;
  await withSession(clientConfig(admin, "bulkhead test"), (client) => client.query("REVOKE pg_monitor FROM bulkhead_monitor"));

  const preview = await checkout.json<Preview>("preview");
  expect(preview.changes).toMatchObject({ update: expect.any(Number) as number });
  expect(preview.database.filter(({ findings }) => findings.length > 0)).toEqual([
    { service: "auth", isNew: false, findings: ["bulkhead_monitor is no member of pg_monitor"], statements: ['GRANT pg_monitor TO "bulkhead_monitor";'] },
  ]);

  expect(await checkout.up()).toMatchObject({ ok: true, changes: { update: expect.any(Number) as number } });
  expect((await checkout.json<Preview>("preview")).database.flatMap(({ findings }) => findings)).toEqual([]);
  expect(Object.keys((await checkout.up()).changes)).toEqual(["same"]);
});
