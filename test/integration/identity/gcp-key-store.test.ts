import { RequestVerifier, ServiceIdentity, gcpKeyStore, rotateIdentityKey } from "../../../manager/src/identity";
import type { IdentityKeyStore } from "../../../manager/src/identity";
import { catalog } from "../../unit/identity/requests";
import { SecretManagerServer } from "../config/secret-manager-server";

const SIGNING = "projects/acme/secrets/identity-signing-backend";
const PUBLIC = "projects/acme/secrets/identity-public-backend";
const MINUTE_MS = 60_000;
let server: SecretManagerServer;
let keys: IdentityKeyStore;
beforeEach(async () => {
  server = await new SecretManagerServer().start();
  keys = gcpKeyStore({ project: "acme", loadModule: server.loadModule });
  server.create(SIGNING);
  server.create(PUBLIC);
});
afterEach(() => server.stop());

/** Whether a request that backend signs now is accepted by accounts, with keys that both have just read. */
async function callAt(nowMs: number): Promise<string> {
  const headers = await new ServiceIdentity({ service: "backend", keys, now: () => nowMs }).signRequest({ to: "accounts", url: "/users/7" });
  const verifier = new RequestVerifier({ service: "accounts", catalog, keys, now: () => nowMs });
  return (await verifier.verifyRequest({ method: "GET", target: "/users/7", headers, body: () => undefined })).service;
}

test("the first rotation makes a key that signs at once; the private half is in the service's own secret only", async () => {
  expect(await keys.readSigningKeys("backend")).toEqual([]);
  const { kid } = await rotateIdentityKey(keys, "backend", 0);
  expect(await callAt(0)).toBe("backend");
  expect(server.latest(SIGNING)).toContain('"d"');
  expect(server.latest(PUBLIC)).toContain(kid);
  expect(server.latest(PUBLIC)).not.toContain('"d"');
});

test("a rotation adds a version, and no request fails before, while and after the new key takes over", async () => {
  const first = await rotateIdentityKey(keys, "backend", 0);
  const second = await rotateIdentityKey(keys, "backend", MINUTE_MS);
  expect(second.signsFromMs).toBe(11 * MINUTE_MS);
  for (const minute of [1, 10, 11, 25, 26, 60]) expect(await callAt(minute * MINUTE_MS)).toBe("backend");
  expect([server.secrets.get(SIGNING)?.length, server.secrets.get(PUBLIC)?.length]).toEqual([2, 2]);
  await rotateIdentityKey(keys, "backend", 60 * MINUTE_MS);
  expect(server.latest(SIGNING)).not.toContain(first.kid);
});

test("a rotation that fails between the two secrets does no harm, and the next one mends it", async () => {
  await rotateIdentityKey(keys, "backend", 0);
  server.unwritable.add(SIGNING);
  await expect(rotateIdentityKey(keys, "backend", MINUTE_MS)).rejects.toMatchObject({ code: "SECRET_UNWRITABLE" });
  expect([server.secrets.get(SIGNING)?.length, server.secrets.get(PUBLIC)?.length]).toEqual([1, 2]);
  for (const minute of [1, 20]) expect(await callAt(minute * MINUTE_MS)).toBe("backend");
  server.unwritable.clear();
  await rotateIdentityKey(keys, "backend", 20 * MINUTE_MS);
  for (const minute of [20, 31, 60]) expect(await callAt(minute * MINUTE_MS)).toBe("backend");
});

test("secrets that are absent, forbidden, disabled or of another content are told with what mends them", async () => {
  server.secrets.delete(PUBLIC);
  await expect(rotateIdentityKey(keys, "backend")).rejects.toMatchObject({ code: "SECRET_UNWRITABLE", hint: "create it: gcloud secrets create identity-public-backend --replication-policy=automatic" });
  server.create(PUBLIC, "s3cret-half of no key");
  const unreadable: unknown = await keys.readPublicKeys("backend").catch((error: unknown) => error);
  expect(unreadable).toMatchObject({ code: "IDENTITY_KEYS_UNREADABLE" });
  expect(String(unreadable)).not.toContain("s3cret-half");
  server.secrets.get(PUBLIC)![0]!.enabled = false;
  await expect(keys.readPublicKeys("backend")).rejects.toMatchObject({ code: "SECRET_UNREADABLE", hint: expect.stringContaining("versions enable") as string });
  server.unreadable.add(PUBLIC);
  server.unwritable.add(PUBLIC);
  await expect(keys.readPublicKeys("backend")).rejects.toMatchObject({ code: "SECRET_UNREADABLE", hint: expect.stringContaining("secretAccessor") as string });
  await expect(keys.writeKeys("backend", [])).rejects.toMatchObject({ code: "SECRET_UNWRITABLE", hint: expect.stringContaining("secretVersionAdder") as string });
});

test("takes no path for a service's name", async () => {
  await expect(keys.readPublicKeys("../../other")).rejects.toMatchObject({ code: "IDENTITY_SERVICE" });
});
