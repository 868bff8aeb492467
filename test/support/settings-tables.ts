import { readFileSync, writeFileSync } from "node:fs";

import { isSetting } from "../../components/settings/read-section";
import type { Section, Setting } from "../../components/settings/read-section";

/** What each table of a document shows, by the name in its marker. */
export type SettingsTables = Readonly<Record<string, Readonly<Record<string, Section | Setting<unknown>>>>>;

const MARKED = /<!-- settings: (\w+) -->\n(?:[^<]*(?:<(?!!-- )[^<]*)*\n)?<!-- end -->/g;

/** Holds the tables of a document equal to those that the parser uses; with BULKHEAD_WRITE_DOCS=1 writes them anew. */
export function expectSettingsTables(document: string, tables: SettingsTables): void {
  const text = readFileSync(document, "utf8");
  const current = text.replace(MARKED, (_whole, name: string) => `<!-- settings: ${name} -->\n${tableOf(tables[name]!)}\n<!-- end -->`);
  if (process.env["BULKHEAD_WRITE_DOCS"] === "1") writeFileSync(document, current);
  else expect(text).toBe(current);
  expect([...text.matchAll(MARKED)].map(([, name]) => name).sort()).toEqual(Object.keys(tables).sort());
}

function tableOf(table: SettingsTables[string]): string {
  return ["| setting | is a | default | what it does |", "|---|---|---|---|", ...Object.entries(table).flatMap(([path, entry]) => rows(path, entry))].join("\n");
}

function rows(path: string, entry: Section | Setting<unknown>): string[] {
  if (!isSetting(entry)) return Object.entries(entry).flatMap(([key, child]) => rows(`${path}.${key}`, child));
  const value = entry.default === undefined ? (entry.optional === true ? "" : "must be set") : `\`${typeof entry.default === "string" ? entry.default : JSON.stringify(entry.default)}\``;
  return [`| \`${path}\` | ${entry.kind.description} | ${value} | ${entry.about} |`];
}
