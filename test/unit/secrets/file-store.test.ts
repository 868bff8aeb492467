import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fileSecretStore } from "../../../manager/src/secrets/file-store";
import { generatePassword, makeSecret } from "../../../manager/src/secrets/secret";

const ENDPOINT = { host: "localhost", port: 5433, ca: "PEM", caPath: "/tmp/ca.crt" };
const newSecret = () => makeSecret(ENDPOINT, { dbname: "auth_db", username: "auth_user", password: generatePassword() });
const ref = { service: "auth", login: "app" } as const;

describe("fileSecretStore", () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), "bulkhead secrets ")), "secrets");
    path = join(directory, "auth", "app.json");
  });
  afterEach(() => rmSync(join(directory, ".."), { recursive: true, force: true }));

  test("gives back what was written, in a file for its owner only, and leaves nothing else", async () => {
    const store = fileSecretStore(directory);
    const secret = newSecret();
    await store.write(ref, secret);
    expect(await store.read(ref)).toEqual(secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "auth")).mode & 0o777).toBe(0o700);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(directory, "auth"))).toEqual(["app.json"]);
    expect(store.reference(ref)).toBe(`file:${path}`);
  });

  test("knows no secret where there is none", async () => {
    expect(await fileSecretStore(directory).read(ref)).toBeUndefined();
  });

  test("takes an empty, a half-written and a huge file for a lost one", async () => {
    const store = fileSecretStore(directory);
    await store.write(ref, newSecret());
    truncateSync(path, 50);
    expect(await store.read(ref)).toBeUndefined();
    truncateSync(path, 0);
    expect(await store.read(ref)).toBeUndefined();
    writeFileSync(path, " ".repeat(100_000));
    expect(await store.read(ref)).toBeUndefined();
    const secret = newSecret();
    await store.write(ref, secret);
    expect(await store.read(ref)).toEqual(secret);
  });

  test("narrows a file that others could read, and says so without quoting it", async () => {
    const lines: string[] = [];
    const store = fileSecretStore(directory, (line) => lines.push(line));
    const secret = newSecret();
    await store.write(ref, secret);
    chmodSync(path, 0o644);
    expect(await store.read(ref)).toEqual(secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(lines).toEqual([expect.stringContaining("0600")]);
    expect(lines.join()).not.toContain(secret.password);
  });

  test.each([
    ["a folder", () => mkdirSync(path, { recursive: true }), "it is a folder"],
    ["a symbolic link", () => (mkdirSync(join(directory, "auth"), { recursive: true }), symlinkSync("/etc/passwd", path)), "it is a symbolic link"],
  ])("refuses %s in a secret's place, with the command that moves it away", async (_what, put, why) => {
    put();
    await expect(fileSecretStore(directory).read(ref)).rejects.toMatchObject({ code: "SECRET_FILE_UNREADABLE", message: expect.stringContaining(why) as string, hint: expect.stringContaining("mv ") as string });
  });

  test("says which secret could not be written and why", async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "auth"), "a file where the folder should be");
    const secret = newSecret();
    const error: unknown = await fileSecretStore(directory).write(ref, secret).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "SECRET_FILE_UNWRITABLE", message: expect.stringContaining(path) as string });
    expect(String(error)).not.toContain(secret.password);
  });

  test("refuses to write in a folder without write access", async () => {
    if (process.getuid?.() === 0) return; // Root may write everywhere.
    mkdirSync(join(directory, "auth"), { recursive: true });
    chmodSync(join(directory, "auth"), 0o500);
    await expect(fileSecretStore(directory).write(ref, newSecret())).rejects.toMatchObject({ code: "SECRET_FILE_UNWRITABLE" });
    chmodSync(join(directory, "auth"), 0o700);
  });

  test("shows every reader a whole secret while two writers write", async () => {
    const store = fileSecretStore(directory);
    const [first, second] = [newSecret(), newSecret()];
    await store.write(ref, first);
    const writes = [first, second].map(async (secret) => {
      for (let i = 0; i < 25; i++) await store.write(ref, secret);
    });
    let isWriting = true;
    const reads = (async () => {
      while (isWriting) expect([first.password, second.password]).toContain((await store.read(ref))?.password);
    })();
    await Promise.all(writes);
    isWriting = false;
    await reads;
    expect(readdirSync(join(directory, "auth"))).toEqual(["app.json"]);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ username: "auth_user" });
  });

  test("removes all secrets of a service, also when there are none", async () => {
    const store = fileSecretStore(directory);
    await store.write(ref, newSecret());
    await store.write({ service: "l2p", login: "app" }, newSecret());
    await store.remove("auth");
    await store.remove("auth");
    expect(readdirSync(directory)).toEqual(["l2p"]);
  });
});
