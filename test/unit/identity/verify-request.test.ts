import { createHmac } from "node:crypto";
import { SignJWT, UnsecuredJWT, base64url, exportJWK, exportSPKI, generateKeyPair, importJWK } from "jose";
import type { JWTPayload, KeyLike } from "jose";
import { EscalationPolicy } from "../../../manager/src/errors";
import type { Alert } from "../../../manager/src/errors";
import { IDENTITY_HEADER, IdentityError, ReplayCache, RequestVerifier, ServiceIdentity, rotateIdentityKey } from "../../../manager/src/identity";
import type { IncomingRequest, OutgoingRequest, RequestVerifierOptions } from "../../../manager/src/identity";
import { bodyHash } from "../../../manager/src/identity/request-token";
import { TestClock } from "../errors/test-clock";
import { catalog, keyStore } from "./requests";

const START_MS = Date.parse("2026-03-01T12:00:00Z");
const ORDER = { to: "accounts", method: "POST", url: "https://accounts.example/v1/users?page=2", body: '{"name":"Ada"}' } as const;

/** backend calls accounts, on a clock that the test turns. */
async function setUp(options: Partial<RequestVerifierOptions> = {}) {
  let nowMs = START_MS;
  const clock = new TestClock();
  const keys = await keyStore(START_MS);
  const verifier = new RequestVerifier({ service: "accounts", catalog, keys, now: () => nowMs, clock, ...options });
  const identity = (service: string) => new ServiceIdentity({ service, keys, now: () => nowMs, clock: new TestClock() });
  const incoming = (headers: IncomingRequest["headers"], changes: Partial<IncomingRequest> & { bytes?: string } = {}): IncomingRequest => ({ method: "POST", target: "/v1/users?page=2", headers, body: () => Buffer.from(changes.bytes ?? ORDER.body), ...changes });
  const sign = (request: OutgoingRequest = ORDER, service = "backend") => identity(service).signRequest(request);
  const refusal = async (request: IncomingRequest): Promise<string> => {
    const error: unknown = await verifier.verifyRequest(request).then(() => "accepted", (thrown: unknown) => thrown);
    return error instanceof IdentityError ? error.code : String(error);
  };
  const backendKey = async () => {
    const [held] = keys.all.get("backend") ?? [];
    if (held?.privateJwk === undefined) throw new Error("no key");
    return { kid: held.kid, publicJwk: held.publicJwk, key: (await importJWK(held.privateJwk, "EdDSA")) as KeyLike };
  };
  /** A token of backend's true key, with anything changed. */
  const forge = async (changes: JWTPayload = {}, header: Record<string, unknown> = {}, key?: KeyLike) => {
    const own = await backendKey();
    const seconds = Math.floor(nowMs / 1_000);
    const claims = { iss: "backend", aud: "accounts", iat: seconds, exp: seconds + 60, jti: "one", htm: "POST", htp: "/v1/users?page=2", bh: bodyHash(ORDER.body), ...changes };
    return { [IDENTITY_HEADER]: `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", kid: own.kid, typ: "bulkhead-request+jwt", ...header }).sign(key ?? own.key)}` };
  };
  return { verifier, keys, clock, sign, incoming, refusal, forge, backendKey, pass: (ms: number) => (nowMs += ms), nowMs: () => nowMs };
}

test("a request that is signed for this service is accepted, and says who sent it", async () => {
  const { verifier, sign, incoming } = await setUp();
  expect(await verifier.verifyRequest(incoming(await sign()))).toMatchObject({ service: "backend", via: "bulkhead" });
});

test("a caller whose catalog entry does not list this service is refused, also with a good signature", async () => {
  const { verifier, sign, incoming, refusal } = await setUp();
  expect(await refusal(incoming(await sign(ORDER, "frontend")))).toBe("IDENTITY_FORBIDDEN");
  const error: unknown = await verifier.verifyRequest(incoming(await sign(ORDER, "accounts"))).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "IDENTITY_FORBIDDEN", status: 403, caller: "accounts" });
});

describe("a token is good for one request only", () => {
  test("it is refused the second time, also when both come at once", async () => {
    const { verifier, sign, incoming } = await setUp();
    const headers = await sign();
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => verifier.verifyRequest(incoming(headers))));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(verifier.failures.counts()).toEqual({ IDENTITY_REPLAY: 2 });
  });

  test.each([
    ["another method", { method: "DELETE" }],
    ["another path", { target: "/v1/admins?page=2" }],
    ["another query", { target: "/v1/users?page=3" }],
    ["a path that only means the same", { target: "/v1/./users?page=2" }],
    ["another body", { bytes: '{"name":"Eve"}' }],
    ["no body", { body: () => undefined }],
  ])("it is refused for %s", async (_what, changes) => {
    const { sign, incoming, refusal } = await setUp();
    expect(await refusal(incoming(await sign(), changes))).toBe("IDENTITY_BINDING");
  });

  test("it is refused by another service", async () => {
    const { sign, incoming, refusal } = await setUp();
    expect(await refusal(incoming(await sign({ ...ORDER, to: "backend" })))).toBe("IDENTITY_AUDIENCE");
  });

  test("what was refused for its body has not used up the token", async () => {
    const { verifier, sign, incoming, refusal } = await setUp();
    const headers = await sign();
    expect(await refusal(incoming(headers, { bytes: "x" }))).toBe("IDENTITY_BINDING");
    await expect(verifier.verifyRequest(incoming(headers))).resolves.toBeDefined();
  });
});

describe("time", () => {
  test("a minute and half a minute of difference is accepted, more is not", async () => {
    const { sign, incoming, refusal, pass } = await setUp();
    const headers = await sign();
    pass(89_000);
    expect(await refusal(incoming(headers))).toBe("accepted");
    const late = await sign();
    pass(91_000);
    expect(await refusal(incoming(late))).toBe("IDENTITY_EXPIRED");
  });

  test("a token from the future is refused beyond the skew, and accepted within", async () => {
    const { forge, incoming, refusal, nowMs } = await setUp();
    const at = (ms: number) => ({ iat: Math.floor((nowMs() + ms) / 1_000), exp: Math.floor((nowMs() + ms) / 1_000) + 60 });
    expect(await refusal(incoming(await forge({ ...at(29_000), jti: "a" })))).toBe("accepted");
    expect(await refusal(incoming(await forge({ ...at(31_000), jti: "b" })))).toBe("IDENTITY_CLOCK");
  });

  test("a token that its maker made good for a day is refused", async () => {
    const { forge, incoming, refusal, nowMs } = await setUp();
    expect(await refusal(incoming(await forge({ exp: Math.floor(nowMs() / 1_000) + 86_400 })))).toBe("IDENTITY_CLOCK");
  });

  test("a replay is noticed as long as the token would still be accepted", async () => {
    const { sign, incoming, refusal, pass } = await setUp();
    const headers = await sign();
    await refusal(incoming(headers));
    pass(89_000);
    expect(await refusal(incoming(headers))).toBe("IDENTITY_REPLAY");
    pass(2_000);
    expect(await refusal(incoming(headers))).toBe("IDENTITY_EXPIRED");
  });
});

describe("attacks on the token", () => {
  test("no algorithm: an unsigned token, with or without its dots", async () => {
    const { incoming, refusal, backendKey } = await setUp();
    const { kid } = await backendKey();
    const unsigned = new UnsecuredJWT({ htm: "POST" }).setIssuer("backend").setAudience("accounts").setJti("x").encode();
    expect(await refusal(incoming({ [IDENTITY_HEADER]: `Bearer ${unsigned}` }))).toBe("IDENTITY_ALGORITHM");
    for (const alg of ["none", "None", "NONE", "nOnE"]) {
      const header = base64url.encode(JSON.stringify({ alg, kid, typ: "bulkhead-request+jwt" }));
      expect(await refusal(incoming({ [IDENTITY_HEADER]: `Bearer ${header}.${unsigned.split(".")[1]}.` }))).toBe("IDENTITY_ALGORITHM");
    }
  });

  test("algorithm confusion: the public key used as an HMAC secret", async () => {
    const { incoming, refusal, backendKey, nowMs } = await setUp();
    const { kid, publicJwk } = await backendKey();
    const spki = await exportSPKI((await importJWK(publicJwk, "EdDSA")) as KeyLike);
    const part = (value: object) => base64url.encode(JSON.stringify(value));
    const claims = { iss: "backend", aud: "accounts", iat: Math.floor(nowMs() / 1_000), exp: Math.floor(nowMs() / 1_000) + 60, jti: "x", htm: "POST", htp: "/v1/users?page=2", bh: bodyHash(ORDER.body) };
    for (const secret of [spki, publicJwk.x ?? "", base64url.decode(publicJwk.x ?? "")]) {
      for (const [alg, label] of [["HS256", "HS256"], ["EdDSA", "EdDSA"]] as const) {
        const signed = `${part({ alg, kid, typ: "bulkhead-request+jwt" })}.${part(claims)}`;
        const token = `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
        expect([label, await refusal(incoming({ [IDENTITY_HEADER]: `Bearer ${token}` }))]).toEqual([label, label === "HS256" ? "IDENTITY_ALGORITHM" : "IDENTITY_SIGNATURE"]);
      }
    }
  });

  test("a key of the attacker's own, also when the token brings it along", async () => {
    const { incoming, refusal, forge } = await setUp();
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    expect(await refusal(incoming(await forge({}, {}, privateKey)))).toBe("IDENTITY_SIGNATURE");
    for (const header of [{ jwk: await exportJWK(publicKey) }, { jku: "https://evil.example/keys" }, { x5u: "https://evil.example/cert" }]) {
      expect(await refusal(incoming(await forge({}, header, privateKey)))).toBe("IDENTITY_MALFORMED");
    }
  });

  test("the key of one service for the name of another", async () => {
    const { incoming, refusal, forge, keys } = await setUp();
    const [frontend] = keys.all.get("frontend") ?? [];
    if (frontend?.privateJwk === undefined) throw new Error("no key");
    const key = (await importJWK(frontend.privateJwk, "EdDSA")) as KeyLike;
    expect(await refusal(incoming(await forge({}, { kid: frontend.kid }, key)))).toBe("IDENTITY_MALFORMED");
    expect(await refusal(incoming(await forge({}, {}, key)))).toBe("IDENTITY_SIGNATURE");
  });

  test("names of keys that are paths, prototypes or nobody's", async () => {
    const { incoming, refusal, forge } = await setUp();
    for (const kid of ["../../etc/passwd.1", "__proto__.1", "constructor.1", ".1", "", "nobody.1"]) expect(await refusal(incoming(await forge({}, { kid })))).toBe("IDENTITY_UNKNOWN_CALLER");
    expect(await refusal(incoming(await forge({}, { kid: "backend.ffff" })))).toBe("IDENTITY_KEY");
  });

  test("tokens of another type, for several services, or without what they need", async () => {
    const { incoming, refusal, forge } = await setUp();
    expect(await refusal(incoming(await forge({}, { typ: "JWT" })))).toBe("IDENTITY_MALFORMED");
    expect(await refusal(incoming(await forge({ aud: ["accounts", "backend"] })))).toBe("IDENTITY_AUDIENCE");
    for (const claim of ["jti", "exp", "iat", "iss", "htm", "htp", "bh"]) expect([claim, await refusal(incoming(await forge({ [claim]: undefined })))]).toEqual([claim, expect.stringMatching(/^IDENTITY_(MALFORMED|CLOCK)$/)]);
    expect(await refusal(incoming(await forge({ jti: "x".repeat(65) })))).toBe("IDENTITY_MALFORMED");
  });

  test.each([undefined, "", "Bearer", "Bearer a.b", "Basic YTpi", `Bearer ${"a".repeat(5_000)}.b.c`, "Bearer a.b.c d"])("a header of %j", async (header) => {
    const { incoming, refusal } = await setUp();
    expect(await refusal(incoming(header === undefined ? {} : { [IDENTITY_HEADER]: header }))).toMatch(/^IDENTITY_(MISSING|MALFORMED)$/);
  });

  test("two tokens in one request", async () => {
    const { sign, incoming, refusal } = await setUp();
    const token = (await sign())[IDENTITY_HEADER] ?? "";
    expect(await refusal(incoming({ [IDENTITY_HEADER]: [token, token] }))).toBe("IDENTITY_MISSING");
  });

  test("the body of an unproven caller is never read", async () => {
    const { incoming, refusal, forge } = await setUp();
    const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const body = jest.fn(() => Buffer.from(""));
    await refusal(incoming(await forge({}, {}, privateKey), { body }));
    expect(body).not.toHaveBeenCalled();
  });

  test("unknown keys, however many, do not become a flood on the key store", async () => {
    const { incoming, refusal, forge, keys } = await setUp();
    for (let number = 0; number < 200; number += 1) await refusal(incoming(await forge({}, { kid: `backend.${number}` })));
    expect(keys.reads.public).toBeLessThanOrEqual(2);
  });
});

describe("rotation", () => {
  test("tokens of the old and of the new key are accepted through it, and a new key is looked up once it is met", async () => {
    const { sign, incoming, refusal, keys, pass, clock, nowMs } = await setUp();
    expect(await refusal(incoming(await sign()))).toBe("accepted");
    const before = await sign();
    const { signsFromMs } = await rotateIdentityKey(keys, "backend", nowMs());
    expect(await refusal(incoming(await sign()))).toBe("accepted");
    expect(await refusal(incoming(before))).toBe("accepted");
    pass(signsFromMs - nowMs());
    await clock.advance(20_000);
    expect(await refusal(incoming(await sign()))).toBe("accepted");
    expect(keys.reads.public).toBe(2);
  });

  test("a store that cannot be read refuses everybody with 503, and says so", async () => {
    const { verifier, sign, incoming } = await setUp({ keys: { readPublicKeys: () => Promise.reject(new Error("disk password=s3cret gone")) } });
    const error: unknown = await verifier.verifyRequest(incoming(await sign())).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "IDENTITY_UNAVAILABLE", status: 503 });
    expect(String(error)).not.toContain("s3cret");
  });
});

describe("the replay cache", () => {
  test("refuses when it is full of what has not run out, and shuts out only the caller who filled it", () => {
    let nowMs = 0;
    const cache = new ReplayCache({ perCallerMax: 2, now: () => nowMs });
    expect(["a", "b", "c"].map((id) => cache.remember("backend", id, 100))).toEqual(["new", "new", "full"]);
    expect(cache.remember("frontend", "a", 100)).toBe("new");
    nowMs = 100;
    expect([cache.remember("backend", "c", 200), cache.remember("backend", "c", 200)]).toEqual(["new", "seen"]);
    expect(cache.size).toBeLessThanOrEqual(3);
  });

  test("does not grow with time", () => {
    let nowMs = 0;
    const cache = new ReplayCache({ now: () => nowMs });
    for (let number = 0; number < 20_000; number += 1) {
      nowMs += 10;
      cache.remember("backend", String(number), nowMs + 1_000);
    }
    expect(cache.size).toBeLessThan(150);
  });
});

test("refusals are counted, and an attack shows as one alert that names reason and caller", async () => {
  const alerts: Alert[] = [];
  const { sign, incoming, refusal } = await setUp({ escalation: new EscalationPolicy({ onAlert: (alert) => void alerts.push(alert), clock: new TestClock() }) });
  const headers = await sign();
  for (let number = 0; number <= 25; number += 1) await refusal(incoming({ ...headers, "x-request-id": `r${number}` }));
  expect(alerts.map(({ level, group }) => [level, group.error.kind, group.error.message, group.operations])).toEqual([
    ["warning", "identity-replay", "IDENTITY_REPLAY from backend", ["POST /v1/users"]],
    ["critical", "identity-replay", "IDENTITY_REPLAY from backend", ["POST /v1/users"]],
  ]);
  expect(alerts[1]?.group.requests).toBe(20);
});
