import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import * as settings from "../../../components/gcp/config/settings";
import { isSetting } from "../../../components/settings/read-section";
import type { Section, Setting } from "../../../components/settings/read-section";
import { expectSettingsTables } from "../../support/settings-tables";
import type { SettingsTables } from "../../support/settings-tables";

// The tables of the documentation are made from the tables that the parser uses. After a change:
//   BULKHEAD_WRITE_DOCS=1 npx jest test/unit/gcp/config-docs.test.ts
const ROOT = join(__dirname, "..", "..", "..");
const DOCUMENT = join(ROOT, "docs", "gcp-configuration.md");

/** What each table of the documentation shows, by the name in its marker. */
const TABLES: SettingsTables = {
  project: { "gcp:project": settings.PROJECT_ID, "gcp:region": settings.REGION, deletionProtection: settings.DELETION_PROTECTION },
  network: { network: settings.NETWORK },
  egress: { egress: settings.EGRESS.connector },
  sql: { sql: settings.SQL },
  redis: { redis: settings.REDIS },
  clickhouse: { clickhouse: settings.CLICKHOUSE },
  encryption: { encryption: settings.ENCRYPTION, secrets: settings.SECRETS },
  edge: { edge: { ...settings.EDGE, backupCertificate: settings.BACKUP_CERTIFICATE } },
  watch: { watch: settings.WATCH },
  reach: { reach: { ...settings.REACH.direct, ...settings.REACH.tunnel, ...settings.REACH.job } },
  services: { "services.<name>": settings.SERVICE },
};

test("the documentation shows every setting as the parser has it", () => {
  expectSettingsTables(DOCUMENT, TABLES);
});

test("every section that the parser knows has a table", () => {
  const shown = Object.values(TABLES).flatMap((table) => Object.keys(table).map((path) => path.split(".")[0]));
  for (const name of settings.OWN_SETTINGS) expect(shown).toContain(name);
});

test("the commented example has every setting but those of the alternatives that it did not choose", () => {
  const { config } = parse(readFileSync(join(ROOT, "Pulumi.prod.yaml"), "utf8")) as { config: Record<string, unknown> };
  const missing = (path: string, entry: Section | Setting<unknown>, value: unknown): string[] => {
    if (value === undefined) return [path];
    return isSetting(entry) ? [] : Object.entries(entry).flatMap(([key, child]) => missing(`${path}.${key}`, child, (value as Record<string, unknown>)[key]));
  };
  const example = { network: settings.NETWORK, egress: settings.EGRESS.direct, sql: settings.SQL, redis: settings.REDIS, clickhouse: settings.CLICKHOUSE, encryption: settings.ENCRYPTION, secrets: settings.SECRETS, edge: settings.EDGE, watch: settings.WATCH, reach: settings.REACH.job, deletionProtection: settings.DELETION_PROTECTION };
  expect(Object.entries(example).flatMap(([name, entry]) => missing(name, entry, config[`bulkhead:${name}`]))).toEqual([]);
  expect(missing("backend", settings.SERVICE, (config["bulkhead:services"] as Record<string, unknown>)["backend"])).toEqual([]);
});
