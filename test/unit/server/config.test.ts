import { pgHbaConf, postgresqlConf } from "../../../components/local/server/config";

const conf = (overrides = {}) => postgresqlConf({ port: 5432, maxConnections: 100, durability: "on", version: "17.10", ...overrides });
const settingsOf = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(" = ") as [string, string]);

test("every setting is written once, as a number or in quotes", () => {
  const settings = settingsOf(conf({ durability: "off" }));
  expect(new Set(settings.map(([name]) => name)).size).toBe(settings.length);
  for (const [, value] of settings) expect(value).toMatch(/^(-?\d+|'[^']*')$/);
});

test("durability is traded away only when asked", () => {
  expect(conf()).not.toMatch(/fsync|synchronous_commit|full_page_writes/);
  expect(conf({ durability: "off" })).toContain("fsync = 'off'");
});

test("a new Postgres version, port or number of connections shows in the text", () => {
  const texts = [conf(), conf({ version: "17.11" }), conf({ port: 5433 }), conf({ maxConnections: 101 })];
  expect(new Set(texts).size).toBe(4);
});

test("only TLS with a password on loopback comes in, and never the superuser", () => {
  const rules = pgHbaConf().split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(/\s+/));
  expect(rules[0]).toEqual(["host", "all", "postgres", "all", "reject"]);
  const open = rules.filter((rule) => rule.at(-1) !== "reject");
  expect(open.map(([type, , , address, method]) => [type, address, method])).toEqual([["hostssl", "127.0.0.1/32", "scram-sha-256"], ["hostssl", "::1/128", "scram-sha-256"]]);
  expect(rules.at(-1)).toEqual(["host", "all", "all", "all", "reject"]);
});
