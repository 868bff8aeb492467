import { execFileSync } from "node:child_process";

import { tarOf } from "../../../components/docker/adopt/tar";

test("an archive holds the files as tar reads them", () => {
  const files = { "etc/bulkhead/a.conf": "x".repeat(512), "etc/bulkhead/b": "", "etc/bulkhead/c.sh": "#!/bin/sh\necho hello\n" };
  const archive = tarOf(files);
  expect(execFileSync("tar", ["-tf", "-"], { input: archive, encoding: "utf8" }).trim().split("\n")).toEqual(Object.keys(files));
  for (const [path, content] of Object.entries(files)) expect(execFileSync("tar", ["-xOf", "-", path], { input: archive, encoding: "utf8" })).toBe(content);
});
