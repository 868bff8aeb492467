// Runs TypeScript as the published package runs: types stripped, nothing added. (tsx gives each closure its name back by Object.defineProperty, which costs
// more than what is measured here.) Use: node -r ./bench/register.cjs bench/<name>.ts
const { readFileSync } = require("node:fs");
const { transformSync } = require("@swc/core");

require.extensions[".ts"] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, "utf8"), {
    filename,
    jsc: { target: "es2022", parser: { syntax: "typescript" } },
    module: { type: "commonjs" },
    sourceMaps: "inline",
  });
  module._compile(code, filename);
};
