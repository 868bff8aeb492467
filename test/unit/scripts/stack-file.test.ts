import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseLocalConfig } from "../../../components/local/config";
import { readStackConfig, stacksIn, writeStackSetting } from "../../../scripts/lib/stack-file";

const root = mkdtempSync(join(tmpdir(), "bulkhead-stack-"));
afterAll(() => rmSync(root, { recursive: true }));

function config(text: string): ReturnType<typeof readStackConfig> {
  writeFileSync(join(root, "Pulumi.dev.yaml"), text);
  return readStackConfig(root, "dev");
}

test("what is not set has its default, and a setting counts with the project's name before it and without", () => {
  expect(config("")).toEqual({ stack: "dev", target: "local", settings: {} });
  expect(config("config:\n  bulkhead:maxConnections: 300\n  target: local\n  gcp:region: europe-west1\n")).toEqual({ stack: "dev", target: "local", settings: { "bulkhead:maxConnections": 300, "bulkhead:target": "local", "gcp:region": "europe-west1" } });
  expect(parseLocalConfig(config(""))).toEqual({ maxConnections: 500 });
  expect(parseLocalConfig(config("config:\n  bulkhead:maxConnections: 300\n"))).toEqual({ maxConnections: 300 });
  expect(parseLocalConfig(config('config:\n  maxConnections: "300"\n'))).toEqual({ maxConnections: 300 });
});

test.each(["many", "-1", "49", "5001", '"1e3"', '"0x100"', "[1]", "{a: 1}", "true", "1.5"])("maxConnections: %s is refused with the command that mends it", (value) => {
  const settings = config(`config:\n  bulkhead:maxConnections: ${value}\n`);
  expect(() => parseLocalConfig(settings)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining("pulumi config set maxConnections 500 --stack dev") as string }) as Error);
});

test("a local stack takes no setting that it does not know, and other programs' settings are none of its business", () => {
  const settings = config("config:\n  bulkhead:maxConnection: 300\n  bulkhead:sql: {}\n  aws:region: x\n");
  expect(() => parseLocalConfig(settings)).toThrow(expect.objectContaining({ message: expect.stringMatching(/2 problems[\s\S]*pulumi config rm maxConnection --stack dev[\s\S]*pulumi config rm sql --stack dev/) as string }) as Error);
});

test.each(["Local!", "../local", "7", "[local]"])("target %s is refused", (value) => {
  expect(() => config(`config:\n  bulkhead:target: "${value}"\n`)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining("pulumi config set target local --stack dev") as string }) as Error);
});

test.each(["config: [", "config: text", "config: [1]"])("%j is refused as a file", (text) => {
  expect(() => config(text)).toThrow(expect.objectContaining({ code: "STACK_FILE_INVALID" }) as Error);
});

test.each(["nowhere", "../dev", "", "a/b", ".", "x\0y"])("stack %j is unknown, and those that there are stand in the message", (stack) => {
  config("");
  expect(() => readStackConfig(root, stack)).toThrow(expect.objectContaining({ code: "STACK_UNKNOWN", message: expect.stringContaining("there is: dev") as string }) as Error);
});

test("the stacks are the files of the checkout", () => {
  writeFileSync(join(root, "Pulumi.my.prod.yaml"), "");
  writeFileSync(join(root, "Pulumi.yaml"), "");
  expect(stacksIn(root).sort()).toEqual(["dev", "my.prod"]);
});

test("a setting is written in its place, and the rest of the file stays as it is", () => {
  config("# about the stack\nconfig:\n  bulkhead:target: local # where it lives\n  bulkhead:ports:\n    redis: 6380\nencryptionsalt: v1:x\n");
  writeStackSetting(root, "dev", ["target"], "docker");
  writeStackSetting(root, "dev", ["postgres", "volume"], "it's a \"volume\"");
  const text = readFileSync(join(root, "Pulumi.dev.yaml"), "utf8");
  expect(text).toContain("# about the stack\nconfig:\n  bulkhead:target: docker # where it lives\n  bulkhead:ports:\n    redis: 6380\n");
  expect(text).toContain("encryptionsalt: v1:x");
  expect(readStackConfig(root, "dev")).toMatchObject({ target: "docker", settings: { "bulkhead:ports": { redis: 6380 }, "bulkhead:postgres": { volume: "it's a \"volume\"" } } });
  expect(readdirSync(root).filter((name) => name.endsWith(".partial"))).toEqual([]);
});

test("a setting is written into a file that has none yet", () => {
  config("");
  writeStackSetting(root, "dev", ["target"], "docker");
  expect(readStackConfig(root, "dev").target).toBe("docker");
});
