import { execFile, spawn } from "node:child_process";
import type { ExecFileException } from "node:child_process";
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { pulumiCommand } from "../../../scripts/pulumi-cli/automation";
import { findPulumiCli } from "../../../scripts/pulumi-cli/find";
import { BUILT_HERE_MARK, placeStandIn } from "../../../scripts/pulumi-cli/language-host";
import { CHECKOUT } from "../../../scripts/pulumi-cli/locations";
import { obtainPulumiCli } from "../../../scripts/pulumi-cli/obtain";

/** The program waits for this file before its resource is made, or fails, or hangs, as the file says. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

enum Kind { Anchor = "anchor" } // TypeScript that is more than types: it must really be compiled
const config = new pulumi.Config();
const mode = existsSync("mode") ? readFileSync("mode", "utf8") : "";
console.log("greeting: " + config.require("greeting") + "; node options: " + process.execArgv.join(" "));
console.error("secret known: " + (config.getSecret("token") !== undefined));
if (mode === "throw") throw new Error("the program threw");
if (mode === "exit") process.exit(9);
if (mode === "hang") {
  writeFileSync("pid", String(process.pid));
  setInterval(() => {}, 1_000);
}
const anchor = new pulumi.Stash("anchor", { input: { kind: Kind.Anchor, stack: pulumi.getStack(), organization: pulumi.getOrganization(), root: pulumi.getProject() } }, {
  hooks: { beforeCreate: [async () => { if (mode === "hook fails") throw new Error("the hook failed on purpose"); }] },
});
export const kept = anchor.input;
`;

let folder: string;
let project: string;
let pulumi: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const real = await obtainPulumiCli({ env: process.env, progress: (line) => process.stderr.write(`${line}\n`) });
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "bulkhead language host ")));
  const bin = path.join(folder, "home", "versions", real.version, "bin");
  mkdirSync(bin, { recursive: true });
  pulumi = path.join(bin, "pulumi");
  // A link to the file would do for running it, but the CLI would then look for its language host where the real file is.
  try {
    linkSync(realpathSync(real.path), pulumi);
  } catch {
    copyFileSync(real.path, pulumi);
  }
  writeFileSync(path.join(bin, BUILT_HERE_MARK), "");

  project = path.join(folder, "project");
  mkdirSync(path.join(project, "state"), { recursive: true });
  symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(project, "node_modules"));
  writeFileSync(path.join(project, "package.json"), `{"name":"host-test","private":true}`);
  writeFileSync(path.join(project, "index.ts"), PROGRAM);
  writeFileSync(path.join(project, "Pulumi.yaml"), `name: host-test\nmain: index.ts\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: --require tsx/cjs --title "a title"\n`);
  env = {
    PATH: [path.dirname(process.execPath), "/usr/bin", "/bin"].join(path.delimiter),
    HOME: folder,
    PULUMI_HOME: path.join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${encodeURI(path.join(project, "state"))}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  await placeStandIn(bin, env);
  await run("stack", "init", "dev");
  await run("config", "set", "greeting", "good morning");
  await run("config", "set", "--secret", "token", "s3cret");
}, 3_600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  code: number;
  output: string;
}

/** Runs the CLI in the project, with its output and error output together. */
function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(pulumi, [...args, "--non-interactive"], { cwd: project, env, timeout: 60_000 }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    });
  });
}

const mode = (text: string): void => writeFileSync(path.join(project, "mode"), text);
const up = (): Promise<Ended> => run("up", "--yes", "--skip-preview", "--stack", "dev");

describe("the stand-in language host, with the real engine", () => {
  test("previews a TypeScript program and shows what it writes", async () => {
    mode("");
    const { code, output } = await run("preview", "--stack", "dev");
    expect(output).toContain("greeting: good morning; node options: --require tsx/cjs --title a title");
    expect(output).toContain("secret known: true");
    expect(output).toContain("+ 2 to create");
    expect(code).toBe(0);
  });

  test("lets a before-hook fail, and run again on the next `up`", async () => {
    mode("hook fails");
    const failed = await up();
    expect(failed.output).toContain("the hook failed on purpose");
    expect(failed.code).not.toBe(0);

    mode("");
    const { code, output } = await up();
    expect(output).toContain("created");
    expect(code).toBe(0);
    const outputs = JSON.parse((await run("stack", "output", "--json", "--stack", "dev")).output) as unknown;
    expect(outputs).toEqual({ kept: { kind: "anchor", stack: "dev", organization: "organization", root: "host-test" } });

    expect((await up()).output).toContain("2 unchanged");
  });

  test("shows a program's own error once, without one of its own", async () => {
    mode("throw");
    const { code, output } = await run("preview", "--stack", "dev");
    expect(output).toContain("the program threw");
    expect(output).not.toContain("non-zero exit code");
    expect(code).not.toBe(0);
  });

  test("tells the exit code of a program that ends without a word", async () => {
    mode("exit");
    expect((await run("preview", "--stack", "dev")).output).toContain("Program exited with non-zero exit code: 9");
  });

  test("answers `pulumi about` and `pulumi install`", async () => {
    mode("");
    expect((await run("about")).output).toContain(`executable='${process.execPath}' version='${process.version}'`);
    const install = await run("install");
    expect(install.output).toContain("npm ci");
    expect(install.code).toBe(0);
  });

  test.each(["SIGINT", "SIGKILL"] as const)("ends the program when the engine gets %s", async (signal) => {
    mode("hang");
    const pidFile = path.join(project, "pid");
    rmSync(pidFile, { force: true });
    const engine = spawn(pulumi, ["preview", "--stack", "dev", "--non-interactive"], { cwd: project, env, stdio: "ignore" });
    const exited = new Promise((resolve) => engine.once("exit", resolve));
    while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") await tick();
    const program = Number(readFileSync(pidFile, "utf8"));
    expect(isRunning(program)).toBe(true);
    engine.kill(signal);
    await exited;
    while (isRunning(program)) await tick();
    mode("");
    await run("cancel", "--yes", "--stack", "dev");
  });

  test("says what to do where the SDK is not installed", async () => {
    const bare = path.join(folder, "bare");
    mkdirSync(bare);
    for (const name of ["Pulumi.yaml", "index.ts"]) copyFileSync(path.join(project, name), path.join(bare, name));
    const { code, output } = await run("preview", "--stack", "dev", "--cwd", bare);
    expect(output).toContain("The Pulumi SDK is not installed");
    expect(output).toContain("npm ci");
    expect(code).not.toBe(0);
  });

  test("is found as such, and destroys what was made", async () => {
    mode("");
    const { chosen } = await findPulumiCli({ ...env, PULUMI_BIN: pulumi });
    expect(chosen).toMatchObject({ source: "PULUMI_BIN", languageHost: "stand-in" });
    const { code, output } = await run("destroy", "--yes", "--skip-preview", "--stack", "dev");
    expect(output).toContain("2 deleted");
    expect(code).toBe(0);
  });
});

describe("the Automation API", () => {
  test("drives the chosen CLI, wherever it is, with an inline program", async () => {
    const { chosen } = await findPulumiCli({ ...env, PULUMI_BIN: pulumi });
    if (chosen === undefined) throw new Error("there is a CLI");
    const stack = await LocalWorkspace.createOrSelectStack(
      { projectName: "inline", stackName: "dev", program: async () => ({ answer: 42 }) },
      { pulumiCommand: pulumiCommand(chosen), envVars: env as Record<string, string>, workDir: path.join(folder) },
    );
    expect(stack.workspace.pulumiVersion).toBe(chosen.version);
    const { outputs } = await stack.up();
    expect(outputs["answer"]?.value).toBe(42);
    await stack.destroy();
  });
});

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

/** Whether a process runs still; one that has ended but was not yet collected by its parent does not. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return existsSync("/proc/self/stat") ? false : true;
  }
}
