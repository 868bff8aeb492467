import { CredentialReader } from "../../../manager/src/pool/credentials";

test("connections that open together read the password once", async () => {
  let reads = 0;
  const reader = new CredentialReader(async () => {
    await new Promise(setImmediate);
    return `password ${++reads}`;
  });
  expect(await Promise.all([reader.current({}), reader.current({}), reader.current({})])).toEqual(["password 1", "password 1", "password 1"]);
  expect(await reader.current({})).toBe("password 2");
});

test("after a rejection it is read afresh, once, and new connections wait for that", async () => {
  const requests: boolean[] = [];
  const reader = new CredentialReader(async (_target, { refresh }) => {
    requests.push(refresh);
    await new Promise(setImmediate);
    return refresh ? "new" : "old";
  });
  expect(await Promise.all([reader.refreshed({}, 0), reader.refreshed({}, 0), reader.current({})])).toEqual(["new", "new", "new"]);
  expect(requests).toEqual([true]);
  // A rejection that comes later, of a password from before the refresh, is no reason for another.
  await expect(reader.refreshed({}, 0)).resolves.toBe("old");
  expect(requests).toEqual([true, false]);
});

test("a failed reading is not remembered", async () => {
  let fails = true;
  const reader = new CredentialReader(() => {
    if (fails) throw new Error("the secret store is away");
    return "here";
  });
  await expect(reader.current({})).rejects.toThrow("the secret store is away");
  fails = false;
  await expect(reader.current({})).resolves.toBe("here");
});
