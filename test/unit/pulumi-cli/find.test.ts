import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describePulumiCli, findPulumiCli } from "../../../scripts/pulumi-cli/find";
import { placeStandIn } from "../../../scripts/pulumi-cli/language-host";
import { CHECKOUT, pulumiHome } from "../../../scripts/pulumi-cli/locations";
import { fakeMachine } from "./fixtures";
import type { FakeMachine } from "./fixtures";

let machine: FakeMachine;
beforeEach(() => (machine = fakeMachine()));
afterEach(() => machine.remove());

const pinned = (): string => path.relative(machine.folder, path.join(machine.pinnedBin, "pulumi"));

describe("finding the Pulumi CLI", () => {
  test("takes PULUMI_BIN before PATH, and PATH before the versions folder", async () => {
    const named = machine.cli("named/my-pulumi", "3.250.0");
    const onPath = machine.cli("bin/pulumi", "3.251.0");
    const installed = machine.cli(pinned(), "3.259.0");

    const withName = await findPulumiCli({ ...machine.env, PULUMI_BIN: named });
    expect(withName.chosen).toEqual({ path: named, version: "3.250.0", source: "PULUMI_BIN", languageHost: "none" });
    expect((await findPulumiCli(machine.env)).chosen).toMatchObject({ path: onPath, version: "3.251.0", source: "PATH" });
    expect((await findPulumiCli({ ...machine.env, PATH: "" })).chosen).toMatchObject({ path: installed, version: "3.259.0", source: "versions" });
  });

  test("finds nothing on a machine without Pulumi, and says so", async () => {
    const search = await findPulumiCli(machine.env);
    expect(search).toEqual({ chosen: undefined, rejected: [] });
    expect(describePulumiCli(search).join("\n")).toMatch(/no Pulumi CLI of 3\.245\.0 or newer/);
  });

  test("names a CLI that is too old and takes the next one", async () => {
    const old = machine.cli("bin/pulumi", "3.244.9");
    machine.cli("other/pulumi", "3.245.0");
    const search = await findPulumiCli({ ...machine.env, PATH: `${machine.env["PATH"]}${path.delimiter}${machine.folder}/other` });
    expect(search.chosen?.version).toBe("3.245.0");
    expect(search.rejected).toEqual([{ path: old, source: "PATH", reason: "it is 3.244.9, and 3.245.0 or newer is needed" }]);
    expect(describePulumiCli(search)[1]).toContain(`passed over ${old} (on PATH): it is 3.244.9`);
  });

  test.each([
    ["fails", `console.error("boom"); process.exit(3)`, /failed/],
    ["prints something else", `console.log("pulumi, but which?")`, /printed no version: pulumi, but which\?/],
  ])("passes over a program that %s when asked for its version", async (_what, script, reason) => {
    machine.program("bin/pulumi", script);
    machine.cli(pinned(), "3.259.0");
    const search = await findPulumiCli(machine.env);
    expect(search.chosen?.source).toBe("versions");
    expect(search.rejected[0]?.reason).toMatch(reason);
  });

  test("passes over a PULUMI_BIN that does not exist or may not be executed", async () => {
    const plain = path.join(machine.folder, "plain");
    writeFileSync(plain, "");
    for (const file of [plain, path.join(machine.folder, "missing"), machine.folder]) {
      expect((await findPulumiCli({ ...machine.env, PULUMI_BIN: file })).rejected[0]).toMatchObject({ source: "PULUMI_BIN", reason: "it is no executable file" });
    }
  });

  test("finds a CLI in folders with blanks in their names", async () => {
    const file = machine.cli("my tools/bin/pulumi", "3.259.0");
    expect((await findPulumiCli({ ...machine.env, PATH: path.dirname(file) })).chosen?.path).toBe(file);
  });
});

describe("the `pulumi` npm package", () => {
  const ran = (): string => path.join(machine.folder, "ran");
  const wrapper = (name: string): string =>
    machine.program(name, `require("node:fs").writeFileSync(${JSON.stringify(ran())}, ""); console.log("v3.259.0");`);

  async function expectPassedOver(file: string): Promise<void> {
    const search = await findPulumiCli({ ...machine.env, PATH: path.dirname(file) });
    expect(search.chosen).toBeUndefined();
    expect(search.rejected[0]?.reason).toContain("npm package");
    expect(existsSync(ran())).toBe(false);
  }

  test("is never taken or run as npm links it in a project", async () => {
    const target = wrapper("project/node_modules/pulumi/run.js");
    const link = path.join(machine.folder, "project/node_modules/.bin/pulumi");
    mkdirSync(path.dirname(link));
    symlinkSync(target, link);
    await expectPassedOver(link);
  });

  test("is never taken or run as npm links it globally", async () => {
    const target = wrapper("lib/node_modules/pulumi/run.js");
    const link = path.join(machine.folder, "global-bin", "pulumi");
    mkdirSync(path.dirname(link));
    symlinkSync(target, link);
    await expectPassedOver(link);
  });

  test("is never taken or run as other package managers start it by a script", async () => {
    const file = path.join(machine.folder, "shims", "pulumi");
    mkdirSync(path.dirname(file));
    writeFileSync(file, `#!/bin/sh\ntouch '${ran()}'\nexec node "$basedir/global/5/node_modules/pulumi/run.js" "$@"\n`);
    chmodSync(file, 0o755);
    await expectPassedOver(file);
  });

  test("is passed over when the real one comes later on PATH", async () => {
    const link = wrapper("project/node_modules/.bin/pulumi");
    const real = machine.cli("bin/pulumi", "3.259.0");
    const search = await findPulumiCli({ ...machine.env, PATH: `${path.dirname(link)}${path.delimiter}${path.dirname(real)}` });
    expect(search.chosen?.path).toBe(real);
  });
});

describe("the language host of a CLI", () => {
  const hostOf = async (): Promise<string | undefined> => (await findPulumiCli(machine.env)).chosen?.languageHost;

  test("is its own if one is beside it, also behind a link", async () => {
    machine.cli("install/pulumi", "3.259.0");
    machine.program("install/pulumi-language-nodejs", "");
    mkdirSync(path.join(machine.folder, "bin"));
    symlinkSync(path.join(machine.folder, "install", "pulumi"), path.join(machine.folder, "bin", "pulumi"));
    expect(await hostOf()).toBe("bundled");
  });

  test("is the one on PATH if there is none beside it", async () => {
    machine.cli(pinned(), "3.259.0");
    machine.program("bin/pulumi-language-nodejs", "");
    expect(await hostOf()).toBe("path");
  });

  test("is never put beside a CLI that was not built here", async () => {
    machine.cli(pinned(), "3.259.0");
    await placeStandIn(machine.pinnedBin, machine.env);
    expect(await hostOf()).toBe("none");
  });

  test("is the stand-in beside a CLI that was built here, refreshed when it is an older one", async () => {
    machine.cli(pinned(), "3.259.0");
    writeFileSync(path.join(machine.pinnedBin, "pulumi.built-from-modules"), "");
    await placeStandIn(machine.pinnedBin, machine.env);
    expect(await hostOf()).toBe("stand-in");

    const host = path.join(machine.pinnedBin, "pulumi-language-nodejs");
    writeFileSync(host, "#!/usr/bin/env node\n// bulkhead stand-in for pulumi-language-nodejs\nprocess.exit(1);\n");
    await placeStandIn(machine.pinnedBin, machine.env);
    expect(existsSync(host)).toBe(true);
    expect(readFileSync(host, "utf8")).toContain("LanguageRuntimeService");
  });
});

describe("Pulumi's home folder", () => {
  test("is PULUMI_HOME, else in the user's home, else in the checkout", () => {
    const inCheckout = path.join(CHECKOUT, ".bulkhead", "pulumi-home");
    const home = machine.env["HOME"] ?? "";
    expect(pulumiHome({ PULUMI_HOME: "/somewhere", HOME: home })).toBe("/somewhere");
    expect(pulumiHome({ HOME: home })).toBe(path.join(home, ".pulumi"));
    expect(pulumiHome({})).toBe(inCheckout);
    expect(pulumiHome({ HOME: "" })).toBe(inCheckout);
    expect(pulumiHome({ HOME: path.join(machine.folder, "no-such-home") })).toBe(inCheckout);
  });
});
