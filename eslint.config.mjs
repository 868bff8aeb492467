import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/node_modules/", ".bulkhead/", ".pulumi/", "**/dist/", "**/*.cjs", "**/*.mjs"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports", disallowTypeAnnotations: false }],
      "@typescript-eslint/require-await": "off",
      "no-console": "error",
    },
  },
  { files: ["bench/**", "test/**", "examples/**"], rules: { "no-console": "off" } },
  { files: ["test/**"], ignores: ["test/support/fast-check.ts"], rules: { "no-restricted-imports": ["error", { paths: [{ name: "fast-check", message: "Import test/support/fast-check: it holds the seed." }] }] } },
);
