import { Client } from "pg";

import { ScramClient } from "../../../manager/src/postgres/scram-client";
import fc from "../../support/fast-check";

const NONCE = "rOprNGfwEbeRWgbNEkqO";

/** What a client makes of the server's first message: what it would send, what it then expects of the server, or how it refuses. */
async function answer(Kind: typeof Client, password: string, data: string, { mechanism = "SCRAM-SHA-256", maxIterations = 100_000 } = {}): Promise<unknown> {
  const client = new Kind({ password }) as unknown as { _handleAuthSASLContinue(message: object): Promise<void>; saslSession: object; connection: object; password: string };
  const sent: unknown[] = [];
  client.password = password;
  client.saslSession = { mechanism, clientNonce: NONCE, response: `n,,n=*,r=${NONCE}`, message: "SASLInitialResponse", scramMaxIterations: maxIterations };
  client.connection = { sendSCRAMClientFinalMessage: (message: string) => sent.push(message), emit: (_event: string, error: Error) => sent.push(error.message) };
  await client._handleAuthSASLContinue({ data });
  return { sent, session: client.saslSession };
}

const same = async (...args: [password: string, data: string, options?: object]): Promise<void> => {
  expect(await answer(ScramClient, ...args)).toEqual(await answer(Client, ...args));
};

const salt = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const password = fc.oneof(fc.string({ minLength: 1 }), fc.string({ minLength: 1, unit: "binary" }), fc.constantFrom("pass word", "\u00a0x", "Ⅸ", "ﬁ"));

describe("ScramClient", () => {
  test("proves itself as node-postgres does, whatever the password, and expects the same of the server", async () => {
    await fc.assert(
      fc.asyncProperty(password, salt, fc.integer({ min: 1, max: 50 }), async (text, ofServer, iterations) => {
        await same(text, `r=${NONCE}xyz,s=${ofServer},i=${iterations}`);
        // The second time with kept keys.
        await same(text, `r=${NONCE}abc,s=${ofServer},i=${iterations}`);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["a nonce that is not the client's", `r=other,s=QQ==,i=5`],
    ["a nonce that adds nothing", `r=${NONCE},s=QQ==,i=5`],
    ["no salt", `r=${NONCE}x,i=5`],
    ["a salt that is no base64", `r=${NONCE}x,s=*,i=5`],
    ["no iterations", `r=${NONCE}x,s=QQ==,i=0`],
    ["more iterations than allowed", `r=${NONCE}x,s=QQ==,i=100001`],
    ["an extension", `r=${NONCE}x,s=QQ==,i=5,m=x`],
    ["nothing", ""],
  ])("answers %s as node-postgres does", async (_what, data) => {
    await same("secret", data);
  });

  test("does not mix up two passwords with one salt", async () => {
    const data = `r=${NONCE}x,s=QQ==,i=7`;
    await same("one", data);
    await same("two", data);
    await same("one", data);
  });

  test("lets node-postgres refuse an empty password", async () => {
    await same("", `r=${NONCE}x,s=QQ==,i=7`);
  });
});
