import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findOnPath, installCommand } from "../../../components/local/stores/find-program";

let root: string;
beforeEach(() => { root = mkdtempSync(join(tmpdir(), "bulkhead-path-")); });
afterEach(() => { rmSync(root, { recursive: true }); });

const put = (folder: string, name: string, mode = 0o755): string => {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, name), "", { mode });
  return join(root, folder, name);
};

test("the first executable file of the PATH is found, and neither folders, nor other files, nor what relative folders hold", () => {
  put("a", "program-nobody-has", 0o644);
  mkdirSync(join(root, "b", "program-nobody-has"), { recursive: true });
  const [third, fourth] = [put("c", "program-nobody-has"), put("d", "program-nobody-has")];
  const path = (...folders: string[]): string => folders.map((folder) => join(root, folder)).join(":");
  expect(findOnPath("program-nobody-has", path("a", "b", "c", "d"))).toBe(third);
  expect(findOnPath("program-nobody-has", path("d", "c"))).toBe(fourth);
  expect(findOnPath("program-nobody-has", `.:bin:${path("a", "b")}`)).toBeUndefined();
});

test("servers are found where they are put, also when the PATH does not lead there", () => {
  expect(findOnPath("sh", "/nowhere")).toMatch(/^\/.*\/sh$/);
});

test("what no package manager of this machine has is installed otherwise, and the stack is brought up behind it", () => {
  expect(installCommand({ "a-manager-nobody-has": "x" }, "curl https://example.org | sh")).toBe("curl https://example.org | sh && npm run up");
});
