import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BulkheadError, messageOf, redact } from "../errors";
import { generateIdentityKey, nextSigningMs, rotatedKeys } from "./keys";
import type { IdentityKey } from "./keys";

/** Where identity keys are kept: a service reads its own secret, and the public keys of those who call it. `fileKeyStore` and `gcpKeyStore` are two. */
export interface IdentityKeyStore {
  /** With the private halves; empty where there are none. */
  readSigningKeys(service: string): Promise<readonly IdentityKey[]>;
  /** Without the private halves; empty where there are none. */
  readPublicKeys(service: string): Promise<readonly IdentityKey[]>;
  /** Both forms, each whole or not at all, the public one first: nobody signs with a key that no verifier can find. One writer per service at a time. */
  writeKeys(service: string, keys: readonly IdentityKey[]): Promise<void>;
}

const SERVICE = /^[a-z][a-z0-9_-]{0,62}$/;

/**
 * Keys as files: `<directory>/<service>.json` with the private halves, `<service>.public.json` without, both mode 0600 in a folder of mode 0700.
 *
 * Its functions throw BulkheadError `IDENTITY_SERVICE`, `IDENTITY_KEYS_UNREADABLE`, `IDENTITY_KEYS_UNWRITABLE`.
 */
export function fileKeyStore(directory: string): IdentityKeyStore {
  const pathOf = (service: string, form: "" | ".public"): string => join(directory, `${checkedName(service)}${form}.json`);
  return {
    readSigningKeys: (service) => readKeys(pathOf(service, "")),
    readPublicKeys: (service) => readKeys(pathOf(service, ".public")),
    async writeKeys(service, keys) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFileAtomically(pathOf(service, ".public"), keys.map(publicOnly));
      await writeFileAtomically(pathOf(service, ""), keys);
    },
  };
}

/** A service's name, which becomes part of a path. @throws BulkheadError `IDENTITY_SERVICE` where it is none */
export function checkedName(service: string): string {
  if (!SERVICE.test(service)) throw new BulkheadError("IDENTITY_SERVICE", `${JSON.stringify(service.slice(0, 63))} is no name of a service`, { hint: "take the name from the catalog, e.g. backend" });
  return service;
}

/**
 * Gives a service a new key; the first one signs at once. A later one signs after ten minutes, when every verifier has read it; the ones before it are accepted for fifteen more, and leave the store with the
 * first rotation after that. So no request fails for a rotation, however often it happens. Answers with the new key's name and the moment from which it signs, in milliseconds since 1970.
 *
 * One rotation of a service at a time. One that failed half-way has done no harm: run it again.
 *
 * @throws what the store throws
 */
export async function rotateIdentityKey(store: IdentityKeyStore, service: string, nowMs = Date.now()): Promise<{ readonly kid: string; readonly signsFromMs: number }> {
  const keys = await store.readSigningKeys(service);
  const added = await generateIdentityKey(service, nextSigningMs(keys, nowMs));
  await store.writeKeys(service, rotatedKeys(keys, added, nowMs));
  return { kid: added.kid, signsFromMs: added.signsFromMs };
}

/** The key as others may see it. */
export function publicOnly({ kid, signsFromMs, acceptedUntilMs, publicJwk }: IdentityKey): IdentityKey {
  return { kid, signsFromMs, ...(acceptedUntilMs === undefined ? {} : { acceptedUntilMs }), publicJwk };
}

async function readKeys(path: string): Promise<readonly IdentityKey[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new BulkheadError("IDENTITY_KEYS_UNREADABLE", `the identity keys in ${path} cannot be read: ${redact(messageOf(error))}`, { hint: `check the file's owner and mode: ls -l '${path}'`, cause: error });
  }
  return keysIn(text, path, "move it away and rotate the service's identity key");
}

/** The keys in the text of a secret. @throws BulkheadError `IDENTITY_KEYS_UNREADABLE` where there are none */
export function keysIn(text: string, place: string, hint: string): readonly IdentityKey[] {
  const keys = parseKeys(text);
  // The parser's own message would quote what it met, which may be a key.
  if (keys === undefined) throw new BulkheadError("IDENTITY_KEYS_UNREADABLE", `${place} holds no identity keys`, { hint });
  return keys;
}

/** Keys as the text of a secret, which `parseKeys` reads. With private halves where the keys have them; `keys.map(publicOnly)` has none. */
export function formatKeys(keys: readonly IdentityKey[]): string {
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}

/** Keys as a secret store keeps them; undefined where the text is none. */
export function parseKeys(text: string): readonly IdentityKey[] | undefined {
  try {
    const value: unknown = (JSON.parse(text) as { keys?: unknown }).keys;
    return Array.isArray(value) && value.every(isKey) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isKey(value: unknown): value is IdentityKey {
  if (typeof value !== "object" || value === null) return false;
  const { kid, signsFromMs, acceptedUntilMs, publicJwk } = value as Record<string, unknown>;
  const jwk = publicJwk as { kty?: unknown; crv?: unknown } | null | undefined;
  return typeof kid === "string" && typeof signsFromMs === "number" && (acceptedUntilMs === undefined || typeof acceptedUntilMs === "number") && jwk?.kty === "OKP" && jwk.crv === "Ed25519";
}

async function writeFileAtomically(path: string, keys: readonly IdentityKey[]): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    const file = await open(partial, "wx", 0o600);
    try {
      await file.writeFile(formatKeys(keys));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined); // The first error says more.
    throw new BulkheadError("IDENTITY_KEYS_UNWRITABLE", `the identity keys cannot be written to ${path}: ${messageOf(error)}`, { hint: "make room, and give yourself write access", cause: error });
  }
}
