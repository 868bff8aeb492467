import { createHash, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** An X.509 certificate (RFC 5280) in so far as a local authority and its one server need it: EC keys, a name, a few extensions. */
export interface CertificateFields {
  /** Common name of whom it is for. */
  readonly subject: string;
  /** Common name of the authority. */
  readonly issuer: string;
  /** 1 to 20 bytes, the first between 0x01 and 0x7f. */
  readonly serialNumber: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  /** The authority's key pair: the private half signs, the public half says by whom. */
  readonly signer: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** Absent for an authority, which may sign certificates of servers and nothing else. */
  readonly server?: { readonly names: readonly string[]; readonly addresses: readonly Buffer[] };
}

// Object identifiers, in their encoded form.
const ECDSA_WITH_SHA256 = oid("2a8648ce3d040302");
const COMMON_NAME = oid("550403");
const SUBJECT_KEY_IDENTIFIER = oid("551d0e");
const KEY_USAGE = oid("551d0f");
const SUBJECT_ALTERNATIVE_NAME = oid("551d11");
const BASIC_CONSTRAINTS = oid("551d13");
const AUTHORITY_KEY_IDENTIFIER = oid("551d23");
const EXTENDED_KEY_USAGE = oid("551d25");
const SERVER_AUTHENTICATION = oid("2b06010505070301");

const YES = der(0x01, Buffer.from([0xff]));
/** Bit 5 and bit 0 of a bit string, with the number of unused bits before it. */
const MAY_SIGN_CERTIFICATES = der(0x03, Buffer.from([2, 0x04]));
const MAY_SIGN_HANDSHAKES = der(0x03, Buffer.from([7, 0x80]));

/** Makes and signs a certificate; PEM text. */
export function createCertificate(fields: CertificateFields): string {
  const { subject, issuer, serialNumber, notBefore, notAfter, publicKey, signer, server } = fields;
  const extensions = [
    extension(BASIC_CONSTRAINTS, server === undefined ? sequence(YES, integer(Buffer.from([0]))) : sequence(), { critical: true }),
    extension(KEY_USAGE, server === undefined ? MAY_SIGN_CERTIFICATES : MAY_SIGN_HANDSHAKES, { critical: true }),
    extension(SUBJECT_KEY_IDENTIFIER, der(0x04, keyIdentifier(publicKey))),
    extension(AUTHORITY_KEY_IDENTIFIER, sequence(der(0x80, keyIdentifier(signer.publicKey)))),
  ];
  if (server !== undefined) {
    const names = [...server.names.map((name) => der(0x82, Buffer.from(name, "ascii"))), ...server.addresses.map((address) => der(0x87, address))];
    extensions.push(extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTHENTICATION)), extension(SUBJECT_ALTERNATIVE_NAME, sequence(...names)));
  }
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(serialNumber),
    sequence(ECDSA_WITH_SHA256),
    commonName(issuer),
    sequence(time(notBefore), time(notAfter)),
    commonName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", toBeSigned, signer.privateKey);
  const certificate = sequence(toBeSigned, sequence(ECDSA_WITH_SHA256), der(0x03, Buffer.from([0]), signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

/** Tag, length, content: the one rule of DER (ITU-T X.690). */
export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const digits = Buffer.from(length.toString(16).padStart(length < 0x100 ? 2 : 4, "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length]), digits, content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(name, "utf8")))));
}

/** Two digits for the year until 2049, four from 2050 on, as RFC 5280 has it. */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

function extension(id: Buffer, value: Buffer, { critical = false } = {}): Buffer {
  return sequence(id, ...(critical ? [YES] : []), der(0x04, value));
}

/** SHA-1 of the key's bits: a name, not a protection (RFC 5280, 4.2.1.2). The point of an uncompressed P-256 key is the last 65 bytes. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash("sha1").update(publicKey.export({ type: "spki", format: "der" }).subarray(-65)).digest();
}
