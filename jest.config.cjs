// Three projects, by what a test needs: nothing, a real Postgres, or the real Pulumi engine.
// They share one transform: swc strips the types, `npm run types` checks them.
const shared = {
  testEnvironment: "node",
  transform: { "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } }] },
  modulePathIgnorePatterns: ["<rootDir>/.bulkhead/", "<rootDir>/.*/dist/"],
};

const withPulumi = { globalSetup: "<rootDir>/test/support/obtain-pulumi-cli.ts" };

module.exports = {
  // A worker a core: most tests wait for Postgres or the engine, which run beside them.
  maxWorkers: 2,
  testTimeout: 120_000,
  projects: [
    { ...shared, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] },
    { ...shared, ...withPulumi, displayName: "integration", testMatch: ["<rootDir>/test/integration/**/*.test.ts"] },
    { ...shared, ...withPulumi, displayName: "e2e", testMatch: ["<rootDir>/test/e2e/**/*.test.ts"] },
  ],
};
