import { open } from "node:fs/promises";
import { BulkheadError, messageOf, redact } from "../errors";
import { SECRET_MAX_BYTES } from "./connection-secret";

/** Loads a package by name; for tests, something that gives a fake of its documented shape. */
export type ModuleLoader = (name: string) => Promise<unknown>;

/** Loads a package when it is first needed: the cloud SDKs are optional peers, and a service without a cloud has none of them. */
export const importModule: ModuleLoader = (name) => import(name);

const AWS_SDK = "@aws-sdk/client-secrets-manager";
const GCP_SDK = "@google-cloud/secret-manager";

/** What is used of `@aws-sdk/client-secrets-manager` 3 (its client, `GetSecretValueCommand`). */
interface AwsSecretsSdk {
  readonly SecretsManagerClient: new (config: { region: string }) => {
    send(command: object, options: { abortSignal: AbortSignal }): Promise<{ readonly SecretString?: string; readonly SecretBinary?: Uint8Array }>;
    destroy?(): void;
  };
  readonly GetSecretValueCommand: new (input: { SecretId: string }) => object;
}

/** What is used of `@google-cloud/secret-manager`. */
interface GcpSecretsSdk {
  readonly SecretManagerServiceClient: new () => GcpSecretsClient;
}

interface GcpSecretsClient {
  /** Logs in. */
  initialize(): Promise<unknown>;
  accessSecretVersion(request: { name: string }): Promise<readonly [{ readonly payload?: { readonly data?: Uint8Array | string | null } | null }, ...unknown[]]>;
  addSecretVersion(request: { parent: string; payload: { data: Uint8Array } }): Promise<unknown>;
  close?(): Promise<void>;
}

/**
 * The text of a secret in AWS Secrets Manager, its current version.
 *
 * @throws BulkheadError `SECRET_SDK_MISSING`, `SECRET_UNREADABLE`
 */
export async function readAwsSecret(load: ModuleLoader, { secretId, region }: { secretId: string; region: string }, signal: AbortSignal): Promise<string> {
  const { SecretsManagerClient, GetSecretValueCommand } = await loadSdk<AwsSecretsSdk>(load, AWS_SDK, "SecretsManagerClient");
  const client = new SecretsManagerClient({ region });
  try {
    const { SecretString, SecretBinary } = await client.send(new GetSecretValueCommand({ SecretId: secretId }), { abortSignal: signal });
    return textOfPayload(SecretString ?? SecretBinary, `the secret ${secretId}`);
  } catch (error) {
    throw storeError("SECRET_UNREADABLE", error, `the secret ${secretId} in ${region} cannot be read from AWS Secrets Manager`, AWS_HINTS);
  } finally {
    client.destroy?.();
  }
}

/**
 * The text of a secret in GCP Secret Manager. `name` is `projects/…/secrets/…`, with or without `/versions/…`; without one it is the latest version.
 *
 * @throws BulkheadError `SECRET_SDK_MISSING`, `SECRET_UNREADABLE`
 */
export async function readGcpSecret(load: ModuleLoader, { name }: { name: string }): Promise<string> {
  return withGcpClient(load, name, async (client) => {
    try {
      const [version] = await client.accessSecretVersion({ name: name.includes("/versions/") ? name : `${name}/versions/latest` });
      return textOfPayload(version.payload?.data ?? undefined, `the secret ${name}`);
    } catch (error) {
      throw storeError("SECRET_UNREADABLE", error, `the secret ${name} cannot be read from GCP Secret Manager`, GCP_HINTS);
    }
  });
}

/**
 * Adds a version to a secret in GCP Secret Manager, which is the latest from then on. `name` is `projects/…/secrets/…`; the secret itself must exist.
 *
 * @throws BulkheadError `SECRET_SDK_MISSING`, `SECRET_UNREADABLE` where the login fails, `SECRET_UNWRITABLE`
 */
export async function addGcpSecretVersion(load: ModuleLoader, { name }: { name: string }, text: string): Promise<void> {
  await withGcpClient(load, name, async (client) => {
    try {
      await client.addSecretVersion({ parent: name, payload: { data: Buffer.from(text) } });
    } catch (error) {
      const create = `create it: gcloud secrets create ${name.split("/").at(-1)} --replication-policy=automatic`;
      throw storeError("SECRET_UNWRITABLE", error, `no version can be added to the secret ${name} in GCP Secret Manager`, { ...GCP_HINTS, "5": create, "7": "give the service account roles/secretmanager.secretVersionAdder on the secret" });
    }
  });
}

async function withGcpClient<T>(load: ModuleLoader, name: string, use: (client: GcpSecretsClient) => Promise<T>): Promise<T> {
  const { SecretManagerServiceClient } = await loadSdk<GcpSecretsSdk>(load, GCP_SDK, "SecretManagerServiceClient");
  const client = new SecretManagerServiceClient();
  try {
    // Called apart: where the login fails, `accessSecretVersion` and `close` leave a rejected promise to nobody, which ends the process (6.x, `this.initialize().catch((err) => { throw err })`).
    await client.initialize();
  } catch (error) {
    throw storeError("SECRET_UNREADABLE", error, `the login to GCP Secret Manager for ${name} failed`, {}, GCP_LOGIN);
  }
  try {
    return await use(client);
  } finally {
    await client.close?.().catch(() => undefined);
  }
}

/**
 * The text of a secret file: one that `up` wrote, or one that the platform mounts (a link, perhaps, into a folder that is exchanged as a whole).
 *
 * @throws BulkheadError `SECRET_UNREADABLE`
 */
export async function readFileSecret(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw new BulkheadError("SECRET_UNREADABLE", `${path} is no file`, { hint: "name the secret's file, e.g. .bulkhead/dev/secrets/auth/app.json" });
      if (stats.size > SECRET_MAX_BYTES) throw new BulkheadError("SECRET_UNREADABLE", `${path} is larger than ${SECRET_MAX_BYTES} bytes, so it is no secret`, { hint: "name the secret's file" });
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    throw storeError("SECRET_UNREADABLE", error, `the secret file ${path} cannot be read`, FILE_HINTS);
  }
}

/** By the name or code of an error: what to do about it. */
type Hints = Readonly<Record<string, string>>;

const AWS_HINTS: Hints = {
  ResourceNotFoundException: "check the secret's name and AWS_REGION: aws secretsmanager list-secrets",
  AccessDeniedException: "give the service's role secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key",
  DecryptionFailure: "give the service's role kms:Decrypt on the secret's key",
  CredentialsProviderError: "give the process an AWS role, or credentials in the environment",
};
const GCP_LOGIN = "give the process a service account, or run gcloud auth application-default login";
/** gRPC status codes. */
const GCP_HINTS: Hints = {
  "5": "check the secret's name and that it has an enabled version: gcloud secrets versions list",
  "7": "give the service account roles/secretmanager.secretAccessor on the secret",
  "9": "enable a version of the secret: gcloud secrets versions enable",
  "16": GCP_LOGIN,
};
const FILE_HINTS: Hints = {
  ENOENT: "run npm run up, which writes it, or correct the path",
  EACCES: "run the service as the user that owns the file: ls -l",
};

async function loadSdk<T extends object>(load: ModuleLoader, name: string, member: string): Promise<T> {
  let module: unknown;
  try {
    module = await load(name);
  } catch (cause) {
    throw new BulkheadError("SECRET_SDK_MISSING", `the package ${name} is needed to read this secret, and cannot be loaded`, { hint: `npm install ${name}`, cause });
  }
  // A CommonJS package that was imported has its exports under `default` as well.
  for (const candidate of [module, (module as { default?: unknown } | undefined)?.default]) {
    if (typeof candidate === "object" && candidate !== null && typeof (candidate as Record<string, unknown>)[member] === "function") return candidate as T;
  }
  throw new BulkheadError("SECRET_SDK_MISSING", `the package ${name} has no ${member}`, { hint: `npm install ${name}@latest` });
}

function textOfPayload(payload: Uint8Array | string | undefined, what: string): string {
  const text = typeof payload === "string" ? payload : payload === undefined ? "" : Buffer.from(payload).toString("utf8");
  if (text === "") throw new BulkheadError("SECRET_UNREADABLE", `${what} is empty`, { hint: "store the connection in it, as JSON or as a URL" });
  if (Buffer.byteLength(text) > SECRET_MAX_BYTES) throw new BulkheadError("SECRET_UNREADABLE", `${what} is larger than ${SECRET_MAX_BYTES} bytes`, { hint: "name the secret that holds the connection" });
  return text;
}

function storeError(kind: "SECRET_UNREADABLE" | "SECRET_UNWRITABLE", error: unknown, what: string, hints: Hints, otherwise = "check the name, the permissions, and that this network reaches the store"): BulkheadError {
  if (error instanceof BulkheadError) return error;
  const { name, code } = (typeof error === "object" && error !== null ? error : {}) as { name?: unknown; code?: unknown };
  const key = [String(name), String(code)].find((candidate) => Object.hasOwn(hints, candidate));
  return new BulkheadError(kind, `${what}: ${redact(messageOf(error)).slice(0, 300).replace(/\.$/, "")}`, { hint: (key === undefined ? undefined : hints[key]) ?? otherwise, cause: error });
}
