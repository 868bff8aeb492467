import "../../support/simulated-cloud/google-api/fetch-in-jest";

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { googleClients } from "../../../components/gcp/google/clients";
import type { GoogleClients } from "../../../components/gcp/google/clients";
import { googleSettings } from "../../../components/gcp/google/settings";
import { reachedStore, secretManagerStore } from "../../../components/gcp/secrets/secret-store";
import { makeSecret } from "../../../manager/src/secrets/secret";
import type { DatabaseSecret, SecretStore } from "../../../manager/src/secrets/secret";
import { startGoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import type { GoogleApi } from "../../support/simulated-cloud/google-api/google-api";
import { Cloud } from "../../support/simulated-cloud/provider/cloud";

const ID = "bulkhead-prod-auth-app";
const REF = { service: "auth", login: "app" } as const;
const ENDPOINT = { host: "x.sql.goog", port: 5432, ca: "a certificate", caPath: "/tmp/ca.crt" };

let cloud: Cloud;
let api: GoogleApi;
let clients: GoogleClients;
let store: SecretStore;

beforeEach(async () => {
  cloud = new Cloud(mkdtempSync(join(tmpdir(), "bulkhead-secrets-")));
  cloud.put({ type: "gcp:secretmanager/secret:Secret", id: ID, name: ID, urn: "", inputs: { secretId: ID }, outputs: {} });
  api = await startGoogleApi(cloud);
  clients = googleClients(googleSettings((key) => ({ "gcp:project": "simulated", "gcp:region": "europe-west1" })[key], api.environment));
  store = secretManagerStore(clients, "prod");
});

afterEach(async () => {
  await clients.close();
  await api.close();
  rmSync(cloud.dir, { recursive: true, force: true });
});

function secret(password: string): DatabaseSecret {
  return makeSecret(ENDPOINT, { dbname: "auth_db", username: "auth_user", password, urlParameters: {} });
}

const enabled = (): number[] => api.secrets.read(ID).filter(({ state }) => state === "ENABLED").map(({ number }) => number);

it("reads nothing from a secret without a version, and from one that is not there", async () => {
  expect(await store.read(REF)).toBeUndefined();
  expect(await store.read({ service: "gone", login: "app" })).toBeUndefined();
});

it("reads what was written, and leaves one enabled version", async () => {
  await store.write(REF, secret("one"));
  await store.write(REF, secret("two"));
  expect(await store.read(REF)).toEqual(secret("two"));
  expect(api.secrets.read(ID).map(({ state }) => state)).toEqual(["DISABLED", "ENABLED"]);
});

it("adds no version that says what the latest says", async () => {
  await store.write(REF, secret("one"));
  await store.write(REF, secret("one"));
  expect(api.secrets.read(ID)).toHaveLength(1);
});

it("leaves the version with the highest number enabled when many write at once", async () => {
  await Promise.all(["a", "b", "c", "d"].map((password) => store.write(REF, secret(password))));
  const versions = api.secrets.read(ID);
  expect(enabled()).toEqual([versions.length]);
  expect(await store.read(REF)).toBeDefined();
});

it("takes a version that is no whole secret for none", async () => {
  api.secrets.add(ID, Buffer.from("{}").toString("base64"));
  expect(await store.read(REF)).toBeUndefined();
});

it("names the way on from a version that was disabled, and from one that was destroyed", async () => {
  await store.write(REF, secret("one"));
  api.secrets.setState(ID, 1, "DISABLED");
  await expect(store.read(REF)).rejects.toMatchObject({ code: "SECRET_DISABLED", hint: `gcloud secrets versions enable projects/simulated/secrets/${ID}/versions/1` });
  await expect(store.write(REF, secret("two"))).rejects.toMatchObject({ code: "SECRET_DISABLED" });
  api.secrets.setState(ID, 1, "DESTROYED");
  await expect(store.read(REF)).rejects.toMatchObject({ code: "SECRET_DISABLED", message: expect.stringContaining("destroyed") as string, hint: expect.stringContaining("printf '{}'") as string });
});

it("says that the secret is Pulumi's to make when there is none to write to", async () => {
  await expect(store.write({ service: "gone", login: "app" }, secret("one"))).rejects.toMatchObject({ code: "SECRET_CONTAINER_MISSING", hint: expect.stringContaining("npm run up") as string });
});

it("names the role that reading takes", async () => {
  api.inject({ path: /:access$/, httpStatus: 403, status: "PERMISSION_DENIED" });
  await expect(store.read(REF)).rejects.toMatchObject({ code: "GCP_PERMISSION", hint: expect.stringContaining("roles/secretmanager.secretAccessor") as string });
});

it("disables every version of a service that is pruned, also where Pulumi has removed some of its secrets", async () => {
  await store.write(REF, secret("one"));
  await store.remove("auth");
  expect(enabled()).toEqual([]);
});

it("is no larger than Secret Manager takes", async () => {
  await expect(store.write(REF, { ...secret("one"), ca: "x".repeat(70_000) })).rejects.toMatchObject({ code: "SECRET_TOO_LARGE" });
});

it("refers to a secret by its full name", () => {
  expect(store.reference(REF)).toBe(`projects/simulated/secrets/${ID}`);
});

it("adds the address from here to what is read, and never writes it", async () => {
  const reach = { host: "127.0.0.1", port: 4321 };
  const reached = reachedStore(store, reach);
  await reached.write(REF, { ...secret("one"), reach });
  expect(await reached.read(REF)).toEqual({ ...secret("one"), reach });
  expect(await store.read(REF)).toEqual(secret("one"));
});
