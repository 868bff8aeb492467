import { InMemoryDatabase } from "../../../manager/src/memory";
import type { UserRow } from "../../../manager/src/memory";
import fc from "../../support/fast-check";

const NOBODY = "00000000-0000-4000-8000-000000000000";
const hash = (number: number) => number.toString(16).padStart(64, "0");

test("whatever is done, it holds what a plain Map with the same rules holds, and its journal replays to the same rows", async () => {
  const email = fc.constantFrom("a@b", "c@d", "e@f", "G@h");
  const operation = fc.oneof(
    fc.record({ kind: fc.constant("create" as const), email }),
    fc.record({ kind: fc.constant("update" as const), pick: fc.nat(), email }),
    fc.record({ kind: fc.constant("delete" as const), pick: fc.nat() }),
  );
  const step = fc.record({ operations: fc.array(operation, { minLength: 1, maxLength: 4 }), mode: fc.constantFrom("alone", "commit", "roll back") });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const database = new InMemoryDatabase({ rowsMax: 3, journalMax: 1_000 });
      let model = new Map<string, string>();
      let ids: string[] = [];
      const apply = async (users: InMemoryDatabase["users"], rows: Map<string, string>, done: typeof steps[number]["operations"][number], known: string[]) => {
        const taken = (wanted: string, but?: string) => [...rows].some(([id, held]) => held === wanted && id !== but);
        const id = done.kind === "create" ? "" : (known[done.pick % Math.max(1, known.length)] ?? NOBODY);
        if (done.kind === "create") {
          const allowed = done.email !== "G@h" && !taken(done.email) && rows.size < 3;
          const row = await users.create({ email: done.email }).catch(() => undefined);
          expect(row !== undefined).toBe(allowed);
          if (row === undefined) return;
          rows.set(row.id, row.email);
          known.push(row.id);
        } else if (done.kind === "update") {
          const allowed = rows.has(id) && done.email !== "G@h" && !taken(done.email, id);
          const row = await users.update(id, { email: done.email }).catch(() => undefined);
          expect(row !== undefined).toBe(allowed);
          if (allowed) rows.set(id, done.email);
        } else expect(await users.delete(id)).toBe(rows.delete(id));
      };
      for (const { operations, mode } of steps) {
        if (mode === "alone") {
          for (const each of operations) await apply(database.users, model, each, ids);
          continue;
        }
        const [copy, known] = [new Map(model), [...ids]];
        const outcome = database.transaction(async ({ users }) => {
          for (const each of operations) await apply(users, copy, each, known);
          if (mode === "roll back") throw new Error("rolled back");
        });
        if (mode === "roll back") await expect(outcome).rejects.toThrow("rolled back");
        else {
          await outcome;
          [model, ids] = [copy, known];
        }
      }
      const rows = await database.users.find();
      expect(new Map(rows.map(({ id, email: held }) => [id, held]))).toEqual(model);
      const replayed = new Map<string, UserRow>();
      for (const entry of database.journal.peek(1_000)) {
        if (entry.operation === "delete") replayed.delete(entry.id);
        else if (entry.table === "users" && entry.row !== undefined) replayed.set(entry.id, entry.row);
      }
      expect([...replayed.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([...rows].sort((a, b) => (a.id < b.id ? -1 : 1)));
    }),
    { numRuns: 200 },
  );
});

test("the estimate of bytes comes back to nothing, whatever was written and deleted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ name: fc.string(), scopes: fc.array(fc.string({ unit: "grapheme-ascii" })) }), { maxLength: 10 }), async (given) => {
      const database = new InMemoryDatabase();
      const users: string[] = [];
      for (const [number, { scopes }] of given.entries()) {
        const { id } = await database.users.create({ email: `${number}@b` });
        users.push(id);
        await database.tokens.create({ user_id: id, token_hash: hash(number), scopes });
      }
      for (const [number, { name }] of given.entries()) await database.users.update(users[number] ?? "", { name: name.replaceAll("\0", "").toWellFormed() });
      for (const id of users) await database.users.delete(id);
      expect(database.stats()).toMatchObject({ sizeBytes: 0, rowsTotal: 0 });
    }),
    { numRuns: 50 },
  );
});
