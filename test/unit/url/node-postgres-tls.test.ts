// The ssl modes against a TLS endpoint that answers Postgres' SSLRequest: what node-postgres accepts with each configuration, not what the configuration looks like.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { webcrypto } from "node:crypto";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { Client } from "pg";
import { formatForDriver } from "../../../manager/src/url";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const pem = (bytes: ArrayBuffer) => `-----BEGIN PRIVATE KEY-----\n${Buffer.from(bytes).toString("base64")}\n-----END PRIVATE KEY-----\n`;

let folder: string;
const servers: net.Server[] = [];
const ports: Record<string, number> = {};

beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto);
  folder = mkdtempSync(path.join(os.tmpdir(), "bulkhead-tls-"));
  const caKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000), signingAlgorithm: ALGORITHM };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({ ...validity, name: "CN=test authority", keys: caKeys, extensions: [new x509.BasicConstraintsExtension(true, undefined, true)] });
  writeFileSync(path.join(folder, "ca.crt"), ca.toString("pem"));
  const other = await x509.X509CertificateGenerator.createSelfSigned({ ...validity, name: "CN=other authority", keys: (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])), extensions: [new x509.BasicConstraintsExtension(true, undefined, true)] });
  writeFileSync(path.join(folder, "other.crt"), other.toString("pem"));

  for (const name of ["localhost", "elsewhere.example"]) {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity, subject: `CN=${name}`, issuer: ca.subject, publicKey: keys.publicKey, signingKey: caKeys.privateKey, extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
    });
    ports[name] = await listen({ cert: certificate.toString("pem"), key: pem(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)) });
  }
});

afterAll(async () => {
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Answers `S` to SSLRequest, then, over TLS, a FATAL error to the start-up message: the client that reports it has accepted the certificate. */
async function listen(identity: { cert: string; key: string }): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("S");
      const encrypted = new tls.TLSSocket(socket, { isServer: true, ...identity });
      encrypted.on("error", () => socket.destroy());
      encrypted.once("data", () => {
        const fields = Buffer.from("SFATAL\0VFATAL\0C28000\0Mcertificate accepted\0\0");
        const length = Buffer.alloc(4);
        length.writeInt32BE(fields.length + 4);
        encrypted.end(Buffer.concat([Buffer.from("E"), length, fields]));
      });
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const accepts = async (name: string, query: string): Promise<boolean> => {
  const url = `postgres://u:p@localhost:${ports[name]}/x?hostaddr=127.0.0.1&${query.replace("CA", encodeURIComponent(path.join(folder, "ca.crt"))).replace("OTHER", encodeURIComponent(path.join(folder, "other.crt")))}`;
  const client = new Client(formatForDriver(url, "node-postgres"));
  client.on("error", () => undefined);
  const error = await client.connect().then(() => undefined, (reason: unknown) => reason as { message: string });
  return error?.message === "certificate accepted";
};

test.each([
  // query, accepted with the right name, accepted with another name
  ["sslmode=prefer", true, true],
  ["sslmode=require", true, true],
  ["sslmode=require&sslrootcert=CA", true, true],
  ["sslmode=require&sslrootcert=OTHER", false, false],
  ["sslmode=verify-ca&sslrootcert=CA", true, true],
  ["sslmode=verify-ca&sslrootcert=OTHER", false, false],
  ["sslmode=verify-full&sslrootcert=CA", true, false],
  ["sslmode=verify-full&sslrootcert=OTHER", false, false],
  ["sslmode=verify-full&sslrootcert=system", false, false],
  ["sslmode=verify-full", false, false],
])("%s accepts the right name: %p, another name: %p", async (query, rightName, otherName) => {
  expect([await accepts("localhost", query), await accepts("elsewhere.example", query)]).toEqual([rightName, otherName]);
});
