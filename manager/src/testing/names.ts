import { createHash, randomBytes } from "node:crypto";
import type { MigrationFile } from "../migrate/files";

/** Owns the objects of every template and test database; cannot log in. */
export const OWNER = "bulkhead_test_owner";
/** May read and write what `OWNER` made; every test database's login is a member. */
export const APP = "bulkhead_test_app";

/** Changes with how a template is made, so that older ones are not used. */
const RECIPE = 2;
/** What of a service's name fits beside the rest in Postgres' 63 bytes. */
const SERVICE_BYTES = 30;

const TEST_NAME = /^bulkhead_test_[a-z0-9_]+_([0-9a-z]{9})_[0-9a-f]{8}$/;

/** The name of a service's template: another one for other migrations. */
export function templateName(service: string, base: string, files: readonly Pick<MigrationFile, "version" | "name" | "checksum">[]): string {
  const hash = createHash("sha256").update(JSON.stringify([RECIPE, service, base, files.map(({ version, name, checksum }) => [version, name, checksum])]));
  return `bulkhead_tpl_${shortName(service)}_${hash.digest("hex").slice(0, 12)}`;
}

/** A name for one test database and its login. It holds the time, so that what a crash leaves can be told from what is in use. */
export function testDatabaseName(service: string, nowMs: number): string {
  return `bulkhead_test_${shortName(service)}_${nowMs.toString(36).padStart(9, "0")}_${randomBytes(4).toString("hex")}`;
}

/** When a test database of this name was made, in milliseconds since the epoch; undefined for every other name. */
export function madeAtMs(name: string): number | undefined {
  const time = TEST_NAME.exec(name)?.[1];
  return time === undefined ? undefined : Number.parseInt(time, 36);
}

function shortName(service: string): string {
  return service.replaceAll("-", "_").slice(0, SERVICE_BYTES);
}
