import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PROVISION_RULES } from "../../../manager/src/provision/change";
import { LIVE_RULES, RULE_IDS } from "../../../manager/src/validate/rules";

const page = readFileSync(join(__dirname, "../../../docs/rules.md"), "utf8");
const sections = new Map(page.split(/^### /m).slice(1).map((text) => [text.slice(0, text.indexOf("\n")), text] as const));

test("every rule has a section in docs/rules.md, in the order of reports, and no section is without a rule", () => {
  expect([...sections.keys()]).toEqual(RULE_IDS);
});

test.each(RULE_IDS)("the section of %s says what it proves, why it matters, how drift comes about, what heals it and how to see it by hand", (rule) => {
  for (const heading of ["Proves", "Why it matters", "How drift comes about", "What heals it", "See it by hand"]) expect(sections.get(rule)).toMatch(new RegExp(`\\*\\*${heading}\\.\\*\\* \\S`));
});

test("links between rules lead somewhere", () => {
  for (const [, id] of page.matchAll(/\]\(#([a-z-]+)\)/g)) expect(sections.has(id!)).toBe(true);
});

test("no id stands for two rules, and every meaning is one line", () => {
  expect(Object.keys(LIVE_RULES).filter((id) => Object.hasOwn(PROVISION_RULES, id))).toEqual([]);
  for (const meaning of Object.values({ ...PROVISION_RULES, ...LIVE_RULES })) expect(meaning).toMatch(/^[^\n]+$/);
});
