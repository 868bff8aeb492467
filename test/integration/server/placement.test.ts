import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binariesIn } from "../../../components/local/server/binaries";
import { serverPaths } from "../../../components/local/server/paths";
import { place } from "../../../components/local/server/placement";

const whenRoot = process.getuid?.() === 0 ? test : test.skip;
const STRANGER = { uid: 4_000_000, gid: 4_000_000 };

let root: string;
beforeEach(() => { root = mkdtempSync(join(tmpdir(), "bulkhead-place-")); });
afterEach(() => { rmSync(root, { recursive: true }); });

/** A folder that looks like the Postgres package, of a version that nobody has. */
function programs(version: string) {
  const directory = join(root, "native");
  mkdirSync(join(directory, "bin"), { recursive: true });
  writeFileSync(join(directory, "bin", "postgres"), "", { mode: 0o755 });
  return binariesIn(directory, version);
}

whenRoot("programs that Postgres' user cannot reach are copied once, and reachable ones are used where they are", () => {
  const version = `0.${process.pid}`;
  const copy = `/var/lib/bulkhead/postgres-${version}`;
  const paths = serverPaths(join(root, "stack"));
  mkdirSync(paths.directory);
  const lines: string[] = [];
  try {
    const first = place(paths, programs(version), STRANGER, (line) => lines.push(line));
    expect(first.binaries).toEqual(binariesIn(copy, version));
    expect(existsSync(first.binaries.postgres)).toBe(true);
    expect(place(paths, programs(version), STRANGER, (line) => lines.push(line)).binaries).toEqual(first.binaries);
    expect(lines.filter((line) => line.startsWith("copying"))).toHaveLength(1);
    chmodSync(root, 0o755);
    expect(place(paths, programs(version), STRANGER, () => undefined).binaries.directory).toBe(join(root, "native"));
    // Where data is once kept, it stays.
    expect(first.dataDirectory).toMatch(/^\/var\/lib\/bulkhead\/[0-9a-f]{16}\/data$/);
    expect(place(paths, programs(version), STRANGER, () => undefined).dataDirectory).toBe(first.dataDirectory);
    rmSync(join(first.dataDirectory, ".."), { recursive: true });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test("an ordinary user's data and programs are in the checkout, whatever the folders' modes", () => {
  chmodSync(root, 0o700);
  const paths = serverPaths(join(root, "stack"));
  mkdirSync(paths.directory);
  expect(place(paths, programs("0.1"), undefined, () => undefined)).toEqual({ dataDirectory: join(paths.directory, "data"), binaries: programs("0.1") });
});
