import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";

import type { PackageSchema } from "./property-schema";

/** Raised when what is derived changes its form. */
const FORM = 1;

/**
 * The schemas of these types, from the temporary folder where they were derived before: a provider is started for each command of the
 * engine, and deriving takes a second that loading the TypeScript compiler belongs to.
 *
 * @param npmPackage such as `@pulumi/gcp`; its version is part of the cache's key
 */
export function packageSchema(npmPackage: string, tokens: readonly string[]): PackageSchema {
  const manifest = require.resolve(`${npmPackage}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const key = createHash("sha256").update(JSON.stringify([FORM, npmPackage, version, tokens])).digest("hex").slice(0, 16);
  // A folder for each user: the temporary folder is everybody's.
  const file = join(tmpdir(), `bulkhead-simulated-cloud-${userInfo().uid}`, `${key}.json`);
  const kept = read(file);
  if (kept !== undefined) return kept;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads the compiler, which is not wanted at each start
  const { deriveSchema } = require("./derive-schema") as typeof import("./derive-schema");
  const schema = deriveSchema(dirname(manifest), tokens);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(schema));
  renameSync(temporary, file);
  return schema;
}

function read(file: string): PackageSchema | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as PackageSchema;
  } catch {
    return undefined;
  }
}
