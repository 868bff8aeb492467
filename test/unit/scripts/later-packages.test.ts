import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { version } from "typescript";

const ROOT = join(__dirname, "..", "..", "..");

/** Runs a script as the command line runs: through tsx, with Pulumi's SDK behind what defers parts of it. jest has module loading of its own. */
function run(script: string): unknown {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-r", "tsx/cjs", "-e", `require("./scripts/engine/later-packages"); const pulumi = require("@pulumi/pulumi"); ${script}`], { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

/** How many files of a package were run. The stand-in of its entry point is in the cache as well. */
const LOADED = `const loaded = (name) => Object.entries(require.cache).filter(([file, module]) => file.includes("/node_modules/" + name + "/") && !require("node:util").types.isProxy(module.exports)).length;`;

test("Pulumi's SDK is loaded without TypeScript's compiler and npm's arborist", () => {
  expect(run(`${LOADED} console.log(JSON.stringify({ sdk: loaded("@pulumi/pulumi") > 50, typescript: loaded("typescript"), arborist: loaded("@npmcli/arborist") }))`)).toEqual({ sdk: true, typescript: 0, arborist: 0 });
});

test("a function that is turned into text for a cloud loads both, and comes out as ever", () => {
  const script = `${LOADED} pulumi.runtime.serializeFunction(() => "from the cloud").then(({ text }) => console.log(JSON.stringify({ text: text.includes("from the cloud"), typescript: loaded("typescript") })))`;
  expect(run(script)).toEqual({ text: true, typescript: 1 });
});

test("whoever imports one of them gets what the package itself gives", () => {
  const script = `const lazy = require("typescript"); const asImported = lazy && lazy.__esModule ? lazy : { default: lazy };
    asImported.default.ours = 1; console.log(JSON.stringify({ name: typeof asImported.default.transpile, star: lazy.version, ours: require("typescript").ours }))`;
  expect(run(script)).toEqual({ name: "function", star: version, ours: 1 });
});
