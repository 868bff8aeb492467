import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { createTls as createTlsFor, ensureTls as ensureTlsIn, readTls, tlsPaths } from "../../../components/certificates/tls-files";
import { validity } from "../../../components/certificates/x509";

const DAY_MS = 86_400_000;
const NAMES = { hostNames: ["localhost", "shared-postgres"], addresses: ["127.0.0.1", "::1"] };
const createTls = () => createTlsFor(NAMES);
const ensureTls = () => ensureTlsIn({ directory, ...NAMES, progress: () => undefined });
let directory: string;
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), "bulkhead-tls-")); });
afterEach(() => { rmSync(directory, { recursive: true }); });

test("a client that trusts the authority accepts the server under each of its names, and under no other", async () => {
  const { ca, certificate, key } = await createTls();
  const server = createServer({ cert: certificate, key }, (socket) => socket.end());
  server.on("tlsClientError", () => undefined);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const outcome = (options: object) => new Promise<string>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, ca, ...options }, () => { resolve("accepted"); socket.destroy(); });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  try {
    expect(await outcome({ servername: "localhost" })).toBe("accepted");
    expect(await outcome({ servername: "shared-postgres" })).toBe("accepted");
    expect(await outcome({})).toBe("accepted");
    expect(await outcome({ servername: "example.org" })).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await outcome({ servername: "localhost", ca: (await createTls()).ca })).not.toBe("accepted");
  } finally {
    server.close();
  }
});

test("the authority may sign certificates and the server's may not", async () => {
  const { ca, certificate } = await createTls();
  const [authority, server] = [new X509Certificate(ca), new X509Certificate(certificate)];
  expect([authority.ca, server.ca]).toEqual([true, false]);
  expect(server.checkIssued(authority)).toBe(true);
  expect(server.checkIP("::1")).toBe("::1");
  expect(authority.serialNumber).not.toBe(server.serialNumber);
});

test("certificates that are there and sound are used again; lost, foreign or expiring ones are not", async () => {
  const paths = tlsPaths(directory);
  const first = await ensureTls();
  expect(await ensureTls()).toEqual(first);
  expect(readTls(directory, NAMES, Date.now() + 3600 * DAY_MS)).toEqual(first);
  expect(readTls(directory, NAMES, Date.now() + 3625 * DAY_MS)).toBeUndefined();
  expect(readTls(directory, NAMES, Date.now() - 2 * DAY_MS)).toBeUndefined();
  writeFileSync(paths.ca, (await createTls()).ca);
  expect(readTls(directory, NAMES)).toBeUndefined();
  writeFileSync(paths.ca, first.ca);
  writeFileSync(paths.key, (await createTls()).key);
  expect(readTls(directory, NAMES)).toBeUndefined();
  writeFileSync(paths.key, first.key);
  expect(readTls(directory, { ...NAMES, hostNames: [...NAMES.hostNames, "shared-redis"] })).toBeUndefined();
  expect(readTls(directory, { ...NAMES, addresses: ["10.0.0.1"] })).toBeUndefined();
  expect(readTls(directory, NAMES)).toEqual(first);
  writeFileSync(paths.key, "half a k");
  expect(await ensureTls()).not.toEqual(first);
  expect(readTls(directory, NAMES)).toBeDefined();
});

test("certificates that run past 2049 are still read", async () => {
  const { certificate } = await createTlsFor(NAMES, validity(Date.UTC(2045, 0, 1), 3650));
  expect(new X509Certificate(certificate).validTo).toContain("2054");
});
