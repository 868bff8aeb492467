import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BulkheadError, messageOf, redact } from "../errors";
import { generateIdentityKey, nextSigningMs, rotatedKeys } from "./keys";
import type { IdentityKey } from "./keys";

/** Where identity keys are kept: a service reads its own secret, and the public keys of those who call it. */
export interface IdentityKeyStore {
  /** With the private halves; empty where there are none. */
  readSigningKeys(service: string): Promise<readonly IdentityKey[]>;
  /** Without the private halves; empty where there are none. */
  readPublicKeys(service: string): Promise<readonly IdentityKey[]>;
  /** Atomic; both forms. One writer per service at a time. */
  writeKeys(service: string, keys: readonly IdentityKey[]): Promise<void>;
}

const SERVICE = /^[a-z][a-z0-9_-]{0,62}$/;

/**
 * Keys as files: `<directory>/<service>.json` with the private halves, `<service>.public.json` without, both mode 0600 in a folder of mode 0700. The public file is written first, so nobody signs with a
 * key that no verifier can find.
 */
export function fileKeyStore(directory: string): IdentityKeyStore {
  const pathOf = (service: string, form: "" | ".public"): string => {
    if (!SERVICE.test(service)) throw new BulkheadError("IDENTITY_SERVICE", `${JSON.stringify(service.slice(0, 63))} is no name of a service`);
    return join(directory, `${service}${form}.json`);
  };
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

/** Gives a service a new key, which signs once every verifier has had time to read it; the old ones are accepted for a while longer. Answers with the new key's name. */
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
  const keys = parseKeys(text);
  // The parser's own message would quote what it met, which may be a key.
  if (keys === undefined) throw new BulkheadError("IDENTITY_KEYS_UNREADABLE", `${path} holds no identity keys`, { hint: "move it away and rotate the service's identity key" });
  return keys;
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
      await file.writeFile(`${JSON.stringify({ keys }, null, 2)}\n`);
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
