import { X509Certificate } from "node:crypto";

import { createAuthority, isUsableAuthority } from "../../../components/certificates/authority";
import { createServerCertificate, isUsableServerCertificate } from "../../../components/certificates/server-certificate";
import { DAY_MS, validity } from "../../../components/certificates/x509";

const NOW = Date.UTC(2030, 0, 1);
const NAMES = { hostNames: ["clickhouse.example.org"], addresses: ["10.0.0.7"] };

test("an authority that is kept signs one certificate after the other, and clients of the first accept the second", async () => {
  const authority = await createAuthority({ commonName: "Authority of clickhouse.example.org", ...validity(NOW, 3650) });
  const first = await createServerCertificate(authority, { subject: "clickhouse", ...NAMES, ...validity(NOW, 365) });
  const later = NOW + 340 * DAY_MS;
  expect(isUsableServerCertificate({ ca: authority.ca, ...first }, NAMES, later, 20)).toBe(true);
  expect(isUsableServerCertificate({ ca: authority.ca, ...first }, NAMES, later, 60)).toBe(false);
  const second = await createServerCertificate(authority, { subject: "clickhouse", ...NAMES, ...validity(later, 365) });
  expect(isUsableServerCertificate({ ca: authority.ca, ...second }, NAMES, later, 60)).toBe(true);
  expect(new X509Certificate(second.certificate).checkIssued(new X509Certificate(authority.ca))).toBe(true);
});

test("an authority is of use with its own key only, and for as long as it lasts", async () => {
  const [one, other] = await Promise.all(["one", "other"].map((commonName) => createAuthority({ commonName, ...validity(NOW, 400) })));
  expect(isUsableAuthority(one!, NOW, 399)).toBe(true);
  expect(isUsableAuthority(one!, NOW, 401)).toBe(false);
  expect(isUsableAuthority(one!, NOW - 2 * DAY_MS, 1)).toBe(false);
  expect(isUsableAuthority({ ca: one!.ca, key: other!.key }, NOW, 1)).toBe(false);
  expect(isUsableAuthority({ ca: "half a certif", key: one!.key }, NOW, 1)).toBe(false);
  const { certificate, key } = await createServerCertificate(one!, { subject: "x", ...NAMES, ...validity(NOW, 300) });
  expect(isUsableAuthority({ ca: certificate, key }, NOW, 1)).toBe(false);
});

test("a common name that is too long is cut, and a certificate's own key, authority and names all count", async () => {
  const authority = await createAuthority({ commonName: "n".repeat(80), ...validity(NOW, 400) });
  expect(new X509Certificate(authority.ca).subject).toBe(`CN=${"n".repeat(64)}`);
  const mine = await createServerCertificate(authority, { subject: "x", ...NAMES, ...validity(NOW, 300) });
  const foreign = await createAuthority({ commonName: "n".repeat(64), ...validity(NOW, 400) });
  expect(isUsableServerCertificate({ ca: foreign.ca, ...mine }, NAMES, NOW, 1)).toBe(false);
  expect(isUsableServerCertificate({ ca: authority.ca, ...mine, key: foreign.key }, NAMES, NOW, 1)).toBe(false);
  expect(isUsableServerCertificate({ ca: authority.ca, ...mine }, { ...NAMES, hostNames: ["other.example.org"] }, NOW, 1)).toBe(false);
  expect(isUsableServerCertificate({ ca: authority.ca, ...mine }, NAMES, NOW, 1)).toBe(true);
});
