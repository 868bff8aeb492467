import { makeComposeDatabases, startHandmadeServer } from "./handmade";
import type { HandmadeServer } from "./handmade";
import { dataOf, makeHostile } from "./hostile";

let handmade: HandmadeServer;

beforeAll(async () => {
  handmade = await startHandmadeServer();
  await makeComposeDatabases(handmade);
  await makeHostile(handmade);
});

afterAll(() => handmade.stop());

test("years of work by hand become compartments without a row or a file changed, and validation passes", async () => {
  const databases = ["auth_db", "l2p_db", "payment_db", "videovault_db"];
  const before = await Promise.all(databases.map((database) => dataOf(handmade, database)));
  expect(before[2]!["rows"]).toMatchObject({ "public.events": [{ count: "1000000" }] });

  const { done, after } = await handmade.adopt();
  expect(done.problems).toEqual([]);
  expect(after.steps).toEqual([]);
  expect(after.services.map(({ state }) => state)).toEqual(["adopted", "adopted", "adopted", "adopted"]);
  expect(await Promise.all(databases.map((database) => dataOf(handmade, database)))).toEqual(before);

  const { report, asApp } = await handmade.setUpAndValidate();
  expect(report.checks.filter(({ status }) => status === "failed")).toEqual([]);
  expect(report.ok).toBe(true);
  expect(await asApp("payment", "SELECT count(*) FROM events")).toEqual([{ count: "1000000" }]);
});
