import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import * as settings from "../../../components/docker/settings";
import { expectSettingsTables } from "../../support/settings-tables";
import type { SettingsTables } from "../../support/settings-tables";

// The tables of the documentation are made from the tables that the parser uses. After a change:
//   BULKHEAD_WRITE_DOCS=1 npx jest test/unit/docker/docs.test.ts
const ROOT = join(__dirname, "..", "..", "..");
const DOCUMENT = join(ROOT, "docs", "docker.md");

/** What each table of the documentation shows, by the name in its marker. */
const TABLES: SettingsTables = {
  stack: { bindAddress: settings.BIND_ADDRESS, maxConnections: settings.MAX_CONNECTIONS },
  images: { images: settings.IMAGES },
  servers: { postgres: settings.POSTGRES, redis: settings.REDIS, clickhouse: settings.CLICKHOUSE },
  services: { "services.<name>": settings.SERVICE },
};

test("the documentation shows every setting as the parser has it", () => {
  expectSettingsTables(DOCUMENT, TABLES);
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
