import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { FallbackStore, InMemoryDatabase } from "../../../manager/src/memory";
import type { JournalEntry, TableName } from "../../../manager/src/memory";
import { clientConfig } from "../../../manager/src/postgres/connect";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { runAsAdmin } from "../../support/tier";
import fc from "../../support/fast-check";

let server: TestServer;
let client: Client;
beforeAll(async () => {
  server = await startTestServer();
  await runAsAdmin(server, "postgres", "CREATE DATABASE apihub_db");
  client = new Client(clientConfig({ ...server.adminSecret, dbname: "apihub_db" }, "bulkhead test"));
  await client.connect();
  await client.query(readFileSync(join(__dirname, "../../../schemas/apihub/001_initial_schema.sql"), "utf8"));
});
afterAll(async () => {
  await client.end();
  await server.stop();
});
beforeEach(async () => {
  await client.query("TRUNCATE users, apis, tokens, otps");
});

type Values = Record<string, unknown>;
const quoted = (name: string) => client.escapeIdentifier(name);
const parameter = (value: unknown) => (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date) ? JSON.stringify(value) : value);

async function insert(table: TableName, values: Values): Promise<Values | undefined> {
  const names = Object.keys(values);
  const { rows } = await client.query<Values>(`INSERT INTO ${quoted(table)} (${names.map(quoted).join(", ")}) VALUES (${names.map((_name, index) => `$${index + 1}`).join(", ")}) RETURNING *`, Object.values(values).map(parameter));
  return rows[0];
}
async function update(table: TableName, id: string, values: Values): Promise<Values | undefined> {
  const names = Object.keys(values);
  const { rows } = await client.query<Values>(`UPDATE ${quoted(table)} SET ${names.map((name, index) => `${quoted(name)} = $${index + 2}`).join(", ")} WHERE id = $1 RETURNING *`, [id, ...Object.values(values).map(parameter)]);
  return rows[0];
}

/** What came of it, without what differs by nature: times that the two set themselves. */
const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    (row) => (typeof row === "object" && row !== null ? { ...row, created_at: 0, updated_at: 0 } : row),
    ({ code, constraint, message }: { code?: string; constraint?: string; message: string }) => (code === undefined ? message : { code, constraint }),
  );

const ids = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000003"];
const id = fc.constantFrom(...ids);
const later = new Date("2100-01-01T00:00:00Z");
const users = fc.record({ id, email: fc.constantFrom("a@b", "c@d", "A@b", "@", "a@", "nobody", `${"x".repeat(318)}@b`, `${"x".repeat(319)}@b`), name: fc.constantFrom(null, "Ada", "🚢") }, { requiredKeys: ["id"] });
const apis = fc.record(
  { id, name: fc.constantFrom("maps", "", "🚢".repeat(200), "x".repeat(201)), base_url: fc.constantFrom("http://x", "https://x", "ftp://x", " http://x"), owner_id: fc.oneof(id, fc.constant(null)), status: fc.constantFrom("active", "gone"), rate_limit_per_minute: fc.constantFrom(null, 1, 0, -1, 3_000_000_000), metadata: fc.constantFrom({}, { b: 1, a: [null] }) },
  { requiredKeys: ["id"] },
);
const tokens = fc.record({ id, user_id: id, api_id: fc.oneof(id, fc.constant(null)), token_hash: fc.constantFrom("a".repeat(64), "b".repeat(64), "A".repeat(64), "short"), scopes: fc.constantFrom([], ["read", "it's"]), expires_at: fc.constantFrom(null, later) }, { requiredKeys: ["id", "user_id"] });
const otps = fc.record({ id, user_id: id, purpose: fc.constantFrom("login", "fun"), code_hash: fc.constant("x"), attempts: fc.constantFrom(0, 5, 6, -1), expires_at: fc.constantFrom(later, new Date(0)) }, { requiredKeys: ["id", "user_id", "code_hash"] });
const rowOf = { users, apis, tokens, otps };
const step = fc.constantFrom<TableName>("users", "apis", "tokens", "otps").chain((table) => fc.record({ table: fc.constant(table), operation: fc.constantFrom("create", "create", "update", "delete"), id, values: rowOf[table] as fc.Arbitrary<Values> }));

test("whatever is written, memory answers as Postgres does with the same schema: rows, SQLSTATE, constraint, cascades", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      await client.query("TRUNCATE users, apis, tokens, otps");
      const memory = new InMemoryDatabase();
      for (const { table, operation, id: target, values } of steps) {
        const changes = Object.fromEntries(Object.entries(values).filter(([column]) => column !== "id"));
        if (operation === "update" && Object.keys(changes).length === 0) continue;
        const [expected, actual] =
          operation === "create" ? [insert(table, values), memory[table].create(values as never)]
          : operation === "update" ? [update(table, target, changes), memory[table].update(target, changes)]
          : [client.query(`DELETE FROM ${quoted(table)} WHERE id = $1`, [target]).then(({ rowCount }) => rowCount === 1), memory[table].delete(target)];
        expect({ table, operation, values, outcome: await outcomeOf(actual) }).toEqual({ table, operation, values, outcome: await outcomeOf(expected) });
      }
      for (const table of ["users", "apis", "tokens", "otps"] as const) {
        const { rows } = await client.query<Values>(`SELECT * FROM ${table} ORDER BY id`);
        const held = (await memory[table].find()) as unknown as Values[];
        const bare = (row: Values): Values => ({ ...row, created_at: 0, updated_at: 0 });
        expect(held.map(bare).sort((a, b) => (String(a["id"]) < String(b["id"]) ? -1 : 1))).toEqual(rows.map(bare));
      }
    }),
    { numRuns: 150 },
  );
});

test("what was written to memory while Postgres was away is in Postgres after the return, also where a merge ran twice", async () => {
  let away = true;
  let doubled = false;
  const merge = async (entry: JournalEntry) => {
    if (entry.operation === "delete") await client.query(`DELETE FROM ${quoted(entry.table)} WHERE id = $1`, [entry.id]);
    else if (entry.operation === "update") await update(entry.table, entry.id, Object.fromEntries(entry.columns.map((column) => [column, (entry.row as unknown as Values)[column]])));
    else await insert(entry.table, entry.row as unknown as Values).catch((error: { code?: string }) => (error.code === "23505" ? undefined : Promise.reject(error as Error)));
    // The answer of the first is lost: the same entry comes again.
    if (!doubled) {
      doubled = true;
      throw new Error("lost");
    }
  };
  const back = new Promise<void>((resolve) => {
    const store = new FallbackStore({ primary: client, initial: "memory", probe: async () => (away ? Promise.reject(new Error("away")) : client.query("SELECT 1")), merge, probeMinMs: 5, probeMaxMs: 10, onStateChange: ({ to }) => (to === "primary" ? (store.close(), resolve()) : undefined) });
    void store.run({ primary: async () => undefined, memory: async (memory) => {
      const user = await memory.users.create({ email: "ada@example.org" });
      await memory.transaction(async ({ apis: api, tokens: token }) => {
        const { id: apiId } = await api.create({ name: "maps", base_url: "https://maps", owner_id: user.id, metadata: { a: 1 } });
        await token.create({ user_id: user.id, api_id: apiId, token_hash: "a".repeat(64), scopes: ["read"] });
      });
      await memory.users.update(user.id, { name: "Ada" });
      await memory.users.delete((await memory.users.create({ email: "gone@example.org" })).id);
      away = false;
    } });
  });
  await back;
  const { rows } = await client.query("SELECT u.email, u.name, a.name AS api, a.metadata, t.scopes FROM users u JOIN apis a ON a.owner_id = u.id JOIN tokens t ON t.api_id = a.id");
  expect(rows).toEqual([{ email: "ada@example.org", name: "Ada", api: "maps", metadata: { a: 1 }, scopes: ["read"] }]);
  expect((await client.query("SELECT FROM users")).rowCount).toBe(1);
});

test("while each merge into Postgres lets two more writes in, the return still ends, and every write is there once, also those that waited for it", async () => {
  let away = true;
  let written = 0;
  const underWay: Promise<unknown>[] = [];
  // One after the other on the one connection.
  let last: Promise<unknown> = Promise.resolve();
  const write = (): Promise<unknown> => {
    const values = { email: `${(written += 1)}@example.org` };
    return store.run({ primary: () => (last = last.then(() => insert("users", values))), memory: (memory) => memory.users.create(values) });
  };
  let settled = (): void => undefined;
  const back = new Promise<void>((resolve) => (settled = resolve));
  const store: FallbackStore<Client> = new FallbackStore({
    primary: client,
    initial: "memory",
    probe: async () => (away ? Promise.reject(new Error("away")) : client.query("SELECT 1")),
    merge: async (entry) => {
      // Bounded, so that a return that never ends fails here and not by hanging.
      for (let count = 0; count < 2 && written < 3_000 && (store.state === "merging" || underWay.length < 1_000); count += 1) underWay.push(write());
      await insert(entry.table, entry.row as unknown as Values);
    },
    probeMinMs: 5,
    probeMaxMs: 10,
    onStateChange: ({ to }) => (to === "primary" ? settled() : undefined),
  });
  for (let count = 0; count < 200; count += 1) await write();
  away = false;
  await back;
  await Promise.all(underWay);
  store.close();
  expect(written).toBeLessThan(3_000);
  const { rows } = await client.query<{ emails: number; distinct: number }>("SELECT count(*)::int AS emails, count(DISTINCT email)::int AS distinct FROM users");
  expect(rows).toEqual([{ emails: written, distinct: written }]);
  expect(store.memory.journal.length).toBe(0);
});
