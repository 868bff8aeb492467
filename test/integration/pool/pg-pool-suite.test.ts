import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { poolConfig, startPoolServer } from "../../support/pool";
import type { TestServer } from "../../support/server";

/**
 * pg-pool publishes its tests with its package up to 3.8.0; later packages have none. What pg-pool added since is in interface.test.ts.
 */
const SUITE = "pg-pool-suite";
const ROOT = join(__dirname, "..", "..", "..");

/**
 * Tests that say nothing of the pool. This one expects that a connection which takes part in a race against a 10 ms timer needs longer to say goodbye; pg-pool 3.14
 * fails it on a fast server too, and its authors have rewritten it since.
 */
const NOT_OURS = ["idle timeout times out and removes clients when others are also removed"];

/** A run takes some ten seconds. */
const RUNS_MAX = 3;

interface MochaResult {
  readonly stats: { readonly tests: number; readonly passes: number; readonly pending: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

let server: TestServer;
let directory: string;

beforeAll(async () => {
  server = await startPoolServer(100);
  directory = mkdtempSync(join(tmpdir(), "bulkhead-pg-pool-suite-"));
});
afterAll(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The suite and what its tests require. */
const installed = [`${SUITE}/package.json`, "mocha/package.json", "expect.js", "co", "lodash", "bluebird", "pg-cursor"].every((name) => {
  try {
    return require.resolve(name) !== "";
  } catch {
    return false;
  }
});

(installed ? test : test.skip)("pg-pool's own published tests pass against this pool", async () => {
  // Its tests say require("../"): beside a copy of them stands this pool in pg-pool's place.
  cpSync(join(dirname(require.resolve(`${SUITE}/package.json`)), "test"), join(directory, "test"), { recursive: true });
  writeFileSync(join(directory, "index.js"), `module.exports = require(${JSON.stringify(join(ROOT, "manager/src/pool/index.ts"))}).Pool;\n`);
  // Its tests wait fixed times such as 100 ms for 20 connections, which a busy machine does not keep. What is broken fails every time.
  let failing: string[] | undefined;
  for (let run = 1; run <= RUNS_MAX && failing?.length !== 0; run++) {
    const { stats, failures } = await runMocha();
    expect(stats.tests).toBeGreaterThanOrEqual(70);
    const before = failing;
    failing = failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message ?? ""}`).filter((line) => !NOT_OURS.some((title) => line.startsWith(`${title}:`)) && (before?.includes(line) ?? true));
  }
  expect(failing).toEqual([]);
}, RUNS_MAX * 100_000);

/** Runs every test file but the one that another forks. */
async function runMocha(): Promise<MochaResult> {
  const config = poolConfig(server);
  const output = join(directory, "result.json");
  const mocha = join(dirname(require.resolve("mocha/package.json")), "bin", "_mocha");
  const args = ["-r", require.resolve("tsx/cjs"), mocha, "--exit", "--reporter", "json", "--reporter-option", `output=${output}`, "--ignore", "test/idle-timeout-exit.js", "test/*.js"];
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    NODE_PATH: [join(ROOT, "node_modules"), process.env.NODE_PATH ?? ""].join(":"),
    NODE_EXTRA_CA_CERTS: join(server.directory, "tls", "ca.crt"),
    PGSSLMODE: "verify-full",
    PGHOST: String(config.host),
    PGPORT: String(config.port),
    PGUSER: String(config.user),
    PGPASSWORD: String(config.password),
    PGDATABASE: String(config.database),
  };
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: directory, env, timeout: 100_000, maxBuffer: 16 * 2 ** 20 }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  try {
    return JSON.parse(readFileSync(output, "utf8")) as MochaResult;
  } catch {
    throw new Error(`mocha left no result: ${printed.slice(-2000)}`);
  }
}
