import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as settings from "../../../components/docker/settings";
import { isSetting } from "../../../components/settings/read-section";
import type { Section, Setting } from "../../../components/settings/read-section";

// The tables of the documentation are made from the tables that the parser uses. After a change:
//   BULKHEAD_WRITE_DOCS=1 npx jest test/unit/docker/docs.test.ts
const ROOT = join(__dirname, "..", "..", "..");
const DOCUMENT = join(ROOT, "docs", "docker.md");

/** What each table of the documentation shows, by the name in its marker. */
const TABLES: Readonly<Record<string, Readonly<Record<string, Section | Setting<unknown>>>>> = {
  stack: { bindAddress: settings.BIND_ADDRESS, maxConnections: settings.MAX_CONNECTIONS },
  images: { images: settings.IMAGES },
  servers: { postgres: settings.POSTGRES, redis: settings.REDIS, clickhouse: settings.CLICKHOUSE },
  services: { "services.<name>": settings.SERVICE },
};

function rows(path: string, entry: Section | Setting<unknown>): string[] {
  if (!isSetting(entry)) return Object.entries(entry).flatMap(([key, child]) => rows(`${path}.${key}`, child));
  const value = entry.default === undefined ? (entry.optional === true ? "" : "must be set") : `\`${typeof entry.default === "string" ? entry.default : JSON.stringify(entry.default)}\``;
  return [`| \`${path}\` | ${entry.kind.description} | ${value} | ${entry.about} |`];
}

function tableOf(name: string): string {
  return ["| setting | is a | default | what it does |", "|---|---|---|---|", ...Object.entries(TABLES[name]!).flatMap(([path, entry]) => rows(path, entry))].join("\n");
}

const MARKED = /<!-- settings: (\w+) -->\n(?:[^<]*(?:<(?!!-- )[^<]*)*\n)?<!-- end -->/g;

test("the documentation shows every setting as the parser has it", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  const current = text.replace(MARKED, (_whole, name: string) => `<!-- settings: ${name} -->\n${tableOf(name)}\n<!-- end -->`);
  if (process.env["BULKHEAD_WRITE_DOCS"] === "1") writeFileSync(DOCUMENT, current);
  else expect(text).toBe(current);
  expect([...text.matchAll(MARKED)].map(([, name]) => name).sort()).toEqual(Object.keys(TABLES).sort());
});

test("every setting that the parser knows has a table", () => {
  const shown = Object.values(TABLES).flatMap((table) => Object.keys(table).map((path) => path.split(".")[0]));
  expect([...shown].sort()).toEqual([...settings.OWN_SETTINGS].sort());
});

/** Text of every TypeScript file below a folder. */
function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).flatMap((path) => (path.endsWith(".ts") ? [readFileSync(join(ROOT, folder, path), "utf8")] : []));
}

test("every error that the docker target itself can end with is explained", () => {
  const thrown = sourcesIn("components/docker").flatMap((source) => [...source.matchAll(/(?:new BulkheadError\(\s*|\bcode: )"([A-Z][A-Z_]+)"/g)].map(([, code]) => code!));
  const explained = readFileSync(DOCUMENT, "utf8");
  expect(thrown).toContain("PORT_TAKEN");
  expect([...new Set(thrown)].filter((code) => !explained.includes(`\`${code}\``))).toEqual([]);
});

test("every check that doctor makes of Docker is in the table, and no other", () => {
  const made = sourcesIn("scripts/doctor").flatMap((source) => [...source.matchAll(/id: "(docker[\w-]*)"/g)].map(([, id]) => id!));
  const shown = [...readFileSync(DOCUMENT, "utf8").matchAll(/^\| `(docker[\w-]*)` \|/gm)].map(([, id]) => id!);
  expect(shown.sort()).toEqual([...new Set(made)].sort());
});
