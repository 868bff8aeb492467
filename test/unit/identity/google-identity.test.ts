import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair } from "jose";
import type { JWTPayload, KeyLike } from "jose";
import { GoogleIdentityVerifier } from "../../../manager/src/identity";
import { catalog } from "./requests";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const SECONDS = NOW_MS / 1_000;
const BACKEND = "backend@acme.iam.gserviceaccount.com";
let google: { privateKey: KeyLike; verifier: GoogleIdentityVerifier };

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: "g1", alg: "RS256", use: "sig" }] });
  const callers = { [BACKEND]: "backend", "frontend@acme.iam.gserviceaccount.com": "frontend" };
  google = { privateKey, verifier: new GoogleIdentityVerifier({ service: "accounts", catalog, audience: "https://accounts.example", callers, keys, now: () => NOW_MS }) };
});

const tokenOf = async (changes: JWTPayload = {}, key?: KeyLike) =>
  new SignJWT({ iss: "https://accounts.google.com", aud: "https://accounts.example", iat: SECONDS, exp: SECONDS + 3_600, email: BACKEND, email_verified: true, ...changes }).setProtectedHeader({ alg: "RS256", kid: "g1" }).sign(key ?? google.privateKey);
const outcome = (token: string) => google.verifier.verifyRequest({ method: "GET", target: "/", headers: { authorization: `Bearer ${token}` }, body: () => undefined }).then(({ service }) => service, ({ code }: { code: string }) => code);

test("Google's token of a known service account is accepted, in both spellings of its issuer", async () => {
  expect(await outcome(await tokenOf())).toBe("backend");
  expect(await outcome(await tokenOf({ iss: "accounts.google.com" }))).toBe("backend");
});

test.each([
  ["of another issuer", { iss: "https://evil.example" }, "IDENTITY_MALFORMED"],
  ["for another audience", { aud: "https://backend.example" }, "IDENTITY_AUDIENCE"],
  ["that has run out", { exp: SECONDS - 60 }, "IDENTITY_EXPIRED"],
  ["of an account that stands for nobody", { email: "eve@acme.iam.gserviceaccount.com" }, "IDENTITY_UNKNOWN_CALLER"],
  ["whose e-mail is not verified", { email_verified: false }, "IDENTITY_UNKNOWN_CALLER"],
  ["whose e-mail is a prototype's", { email: "constructor" }, "IDENTITY_UNKNOWN_CALLER"],
  ["of a service that does not call this one", { email: "frontend@acme.iam.gserviceaccount.com" }, "IDENTITY_FORBIDDEN"],
])("a token %s is refused", async (_what, changes, code) => {
  expect(await outcome(await tokenOf(changes))).toBe(code);
});

test("a token that Google did not sign, or whose signature was taken off on its way, is refused", async () => {
  const { privateKey } = await generateKeyPair("RS256");
  expect(await outcome(await tokenOf({}, privateKey))).toBe("IDENTITY_SIGNATURE");
  const [header, payload] = (await tokenOf()).split(".");
  expect(await outcome(`${header}.${payload}.SIGNATURE_REMOVED`)).toBe("IDENTITY_SIGNATURE");
  const hmac = await new SignJWT({ email: BACKEND }).setProtectedHeader({ alg: "HS256", kid: "g1" }).sign(new TextEncoder().encode("x".repeat(32)));
  expect(await outcome(hmac)).toBe("IDENTITY_ALGORITHM");
});
