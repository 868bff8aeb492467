import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileKeyStore, rotateIdentityKey } from "../../../manager/src/identity";
import type { IdentityKey } from "../../../manager/src/identity";
import { KEYS_TTL_MS, acceptedKeyAt, nextSigningMs, rotatedKeys, signingKeyAt } from "../../../manager/src/identity/keys";
import fc from "../../support/fast-check";

const key = (kid: string, signsFromMs: number): IdentityKey => ({ kid, signsFromMs, publicJwk: { kty: "OKP", crv: "Ed25519" }, privateJwk: { kty: "OKP", crv: "Ed25519", d: "private-half" } });
const MINUTE_MS = 60_000;

test("whatever the rotations, a token signed with keys read up to five minutes ago verifies with keys read up to five minutes ago, for its whole life", () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 60 * MINUTE_MS }), { minLength: 1, maxLength: 6 });
  const ages = fc.integer({ min: 0, max: KEYS_TTL_MS });
  fc.assert(
    fc.property(pauses, fc.nat({ max: 400 * MINUTE_MS }), ages, ages, fc.nat({ max: 90_000 }), (between, afterMs, signerAgeMs, verifierAgeMs, tokenAgeMs) => {
      const versions: { atMs: number; keys: readonly IdentityKey[] }[] = [{ atMs: 0, keys: rotatedKeys([], key("0", 0), 0) }];
      let atMs = 0;
      for (const [index, pauseMs] of between.entries()) {
        atMs += pauseMs;
        const before = versions.at(-1)?.keys ?? [];
        versions.push({ atMs, keys: rotatedKeys(before, key(String(index + 1), nextSigningMs(before, atMs)), atMs) });
      }
      const readAt = (ms: number) => [...versions].reverse().find((version) => version.atMs <= Math.max(0, ms))?.keys ?? [];
      const signing = signingKeyAt(readAt(afterMs - signerAgeMs), afterMs);
      expect(signing).toBeDefined();
      const verifiedMs = afterMs + tokenAgeMs;
      expect(acceptedKeyAt(readAt(verifiedMs - verifierAgeMs), signing?.kid ?? "", verifiedMs)).toBeDefined();
    }),
  );
});

test("an old key stops being accepted, and leaves the store with the rotation after", () => {
  const first = rotatedKeys([], key("a", 0), 0);
  const second = rotatedKeys(first, key("b", 10 * MINUTE_MS), 0);
  expect(acceptedKeyAt(second, "a", 25 * MINUTE_MS - 1)).toBeDefined();
  expect(acceptedKeyAt(second, "a", 25 * MINUTE_MS)).toBeUndefined();
  expect(rotatedKeys(second, key("c", 60 * MINUTE_MS), 50 * MINUTE_MS).map(({ kid }) => kid)).toEqual(["b", "c"]);
});

describe("the file store", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "bulkhead-identity-"))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test("keeps the private half in the service's own file only, both with mode 0600, and leaves nothing half-written", async () => {
    const store = fileKeyStore(join(directory, "identity"));
    const { kid } = await rotateIdentityKey(store, "backend");
    expect(readdirSync(join(directory, "identity")).sort()).toEqual(["backend.json", "backend.public.json"]);
    for (const name of ["backend.json", "backend.public.json"]) expect(statSync(join(directory, "identity", name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, "identity", "backend.public.json"), "utf8")).not.toContain('"d"');
    expect((await store.readSigningKeys("backend"))[0]).toMatchObject({ kid, privateJwk: { d: expect.any(String) as string } });
    expect((await store.readPublicKeys("backend"))[0]).not.toHaveProperty("privateJwk");
    expect(await store.readPublicKeys("accounts")).toEqual([]);
  });

  test("signs at once with the first key, and later with the second", async () => {
    const store = fileKeyStore(directory);
    const first = await rotateIdentityKey(store, "backend", 1_000);
    const second = await rotateIdentityKey(store, "backend", 2_000);
    expect([first.signsFromMs, second.signsFromMs]).toEqual([1_000, 2_000 + 10 * MINUTE_MS]);
  });

  test("says of a damaged file that it is damaged, without quoting it, and takes no path for a name", async () => {
    writeFileSync(join(directory, "backend.json"), '{"keys":[{"d":"s3cret-half"');
    const error: unknown = await fileKeyStore(directory).readSigningKeys("backend").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "IDENTITY_KEYS_UNREADABLE" });
    expect(String(error)).not.toContain("s3cret-half");
    expect(() => fileKeyStore(directory).readPublicKeys("../../etc/passwd")).toThrow(expect.objectContaining({ code: "IDENTITY_SERVICE" }) as Error);
  });
});
