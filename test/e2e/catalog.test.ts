import { rmSync } from "node:fs";

import { Checkout } from "../support/checkout";
import type { UpJson } from "../support/checkout";

// The catalog changes while the tier is live.

const AUTH = "auth: { port: 5500 }";
let checkout: Checkout;

beforeAll(async () => {
  checkout = await Checkout.create({ services: `${AUTH}, payment: { port: 3004 }` });
  expect((await checkout.up()).ok).toBe(true);
});

afterAll(() => checkout.remove());

function services({ services }: UpJson): unknown[] {
  return services.map(({ name, ready, schemaVersion }) => [name, ready, schemaVersion]);
}

test("a service that is added gets its compartment, and nobody else's is touched", async () => {
  checkout.declare(`${AUTH}, payment: { port: 3004 }, notes: { port: 4100 }`);
  checkout.write("schemas/notes/001_initial_schema.sql", "CREATE TABLE note (id bigint PRIMARY KEY, text text NOT NULL);\n");
  checkout.write("schemas/notes/001_initial_schema.rollback.sql", "DROP TABLE note;\n");
  const preview = await checkout.json<{ changes: Record<string, number>; database: { service: string; isNew: boolean; findings: string[] }[] }>("preview");
  expect(preview.database.filter(({ findings }) => findings.length > 0).map(({ service, isNew }) => [service, isNew])).toEqual([["notes", true]]);
  const before = checkout.secret("auth").password;
  const up = await checkout.up();
  expect(services(up)).toEqual([["auth", true, 1], ["payment", true, 1], ["notes", true, 1]]);
  // Component and anchor of the new one; the tier's validation runs again.
  expect(up.changes).toMatchObject({ create: 2 });
  expect(checkout.secret("auth").password).toBe(before);
});

test("another budget of connections is a change of that service alone", async () => {
  checkout.declare(`${AUTH}, payment: { port: 3004 }, notes: { port: 4100, connections: 12 }`);
  const { exitCode, stderr } = await checkout.bulkhead(["up"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/notes: role notes_user has CONNECTION LIMIT/) as string });
  expect(stderr).not.toMatch(/^(auth|payment):/m);
});

test("a database that is renamed is refused before anything changes", async () => {
  checkout.declare(`${AUTH}, payment: { port: 3004 }, notes: { port: 4100, connections: 12, database: "renamed" }`);
  const { exitCode, stderr } = await checkout.bulkhead(["up"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("DATABASE_RENAMED") as string });
});

test("a service that is taken out is warned about and kept until it is pruned by name", async () => {
  checkout.declare(`${AUTH}, payment: { port: 3004 }`);
  const up = await checkout.bulkhead(["up"]);
  expect({ exitCode: up.exitCode, stderr: up.stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/warning: service notes has left the catalog; its database notes_db is kept\. .*npx bulkhead prune notes/) as string });
  expect(checkout.secret("notes").username).toBe("notes_user");
  expect((await checkout.bulkhead(["validate"])).exitCode).toBe(0);

  const asked = await checkout.bulkhead(["prune", "notes"]);
  expect(asked).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/CONFIRMATION_NEEDED[\s\S]*--yes/) as string });
  expect(await checkout.bulkhead(["prune", "auth", "--yes"])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("PRUNE_IN_CATALOG") as string });
  expect(await checkout.json("prune", "notes", "--yes")).toEqual({ version: 1, stack: "dev", ok: true, service: "notes", database: "notes_db", roles: expect.arrayContaining(["notes_owner", "notes_user"]) as string[] });
  expect(() => checkout.secret("notes")).toThrow();
  const after = await checkout.bulkhead(["up"]);
  expect(after.stdout).toContain("Nothing to change");
  expect(after.stderr).toBe("");
});

test("provision heals what was changed by hand without the engine, of one service or all, and says what", async () => {
  rmSync(checkout.path(".bulkhead/dev/secrets/auth/app.json"));
  rmSync(checkout.path(".bulkhead/dev/secrets/payment/readonly.json"));
  const findings = async (...args: string[]): Promise<unknown[]> => (await checkout.json<{ healed: { service: string; finding: string }[] }>("provision", ...args)).healed.map(({ service, finding }) => [service, finding]);
  expect(await findings("auth")).toEqual([["auth", "the app secret of auth is missing or not whole"]]);
  expect(await findings()).toEqual([["payment", "the readonly secret of payment is missing or not whole"]]);
  expect(await findings()).toEqual([]);
  expect(await checkout.bulkhead(["provision", "nobody"])).toMatchObject({ exitCode: 2 });
});
