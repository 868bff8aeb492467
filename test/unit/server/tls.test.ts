import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import fc from "fast-check";
import { der } from "../../../components/local/server/certificate";
import { serverPaths } from "../../../components/local/server/paths";
import { createTls, ensureTls, readTls } from "../../../components/local/server/tls";

const DAY_MS = 86_400_000;
let directory: string;
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), "bulkhead-tls-")); });
afterEach(() => { rmSync(directory, { recursive: true }); });

test("a client that trusts the authority accepts the server under each of its names, and under no other", async () => {
  const { ca, certificate, key } = createTls();
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
    expect(await outcome({ servername: "localhost", ca: createTls().ca })).not.toBe("accepted");
  } finally {
    server.close();
  }
});

test("the authority may sign certificates and the server's may not", () => {
  const { ca, certificate } = createTls();
  const [authority, server] = [new X509Certificate(ca), new X509Certificate(certificate)];
  expect([authority.ca, server.ca]).toEqual([true, false]);
  expect(server.checkIssued(authority)).toBe(true);
  expect(server.checkIP("::1")).toBe("::1");
  expect(authority.serialNumber).not.toBe(server.serialNumber);
});

test("certificates that are there and sound are used again; lost, foreign or expiring ones are not", () => {
  const paths = serverPaths(directory);
  const first = ensureTls(paths, undefined, () => undefined);
  expect(ensureTls(paths, undefined, () => undefined)).toEqual(first);
  expect(readTls(paths, Date.now() + 3600 * DAY_MS)).toEqual(first);
  expect(readTls(paths, Date.now() + 3625 * DAY_MS)).toBeUndefined();
  expect(readTls(paths, Date.now() - 2 * DAY_MS)).toBeUndefined();
  writeFileSync(paths.ca, createTls().ca);
  expect(readTls(paths)).toBeUndefined();
  writeFileSync(paths.ca, first.ca);
  writeFileSync(paths.serverKey, createTls().key);
  expect(readTls(paths)).toBeUndefined();
  writeFileSync(paths.serverKey, "half a k");
  expect(ensureTls(paths, undefined, () => undefined)).not.toEqual(first);
  expect(readTls(paths)).toBeDefined();
});

test("certificates that run past 2049 are still read", () => {
  const { certificate } = createTls(Date.UTC(2045, 0, 1));
  expect(new X509Certificate(certificate).validTo).toContain("2054");
});

test("DER lengths are written so that they can be read back", () => {
  fc.assert(fc.property(fc.nat(70_000).filter((length) => length < 65_536), (length) => {
    const encoded = der(0x04, Buffer.alloc(length));
    const first = encoded[1] ?? 0;
    const digits = first < 0x80 ? 0 : first & 0x7f;
    expect(digits === 0 ? first : encoded.readUIntBE(2, digits)).toBe(length);
    expect(encoded.length).toBe(2 + digits + length);
    // The shortest form, as DER asks for.
    if (digits > 0) expect(length).toBeGreaterThanOrEqual(digits === 1 ? 0x80 : 0x100);
  }));
});
