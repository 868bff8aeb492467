import { request } from "node:http";

import { generatePassword } from "../../secrets/secret";
import type { StoreEndpoint } from "../../stores/store-secret";
import { clickHouseRequest } from "../request";
import type { ClickHouseLogin } from "../request";
import { expectRefusal, failed } from "./session";
import type { Finding } from "./session";

/** UNKNOWN_USER, WRONG_PASSWORD and REQUIRED_PASSWORD of older servers; AUTHENTICATION_FAILED. */
const LOGIN_REFUSED = [192, 193, 194, 516] as const;
const PLAIN_TIMEOUT_MS = 5_000;

/** Tries to get in as nobody, as `default`, as the service without its password, and without TLS. No password goes out on the plain connection. */
export async function checkAnonymous(endpoint: StoreEndpoint, username: string, signal: AbortSignal | undefined): Promise<Finding> {
  const logins: readonly (readonly [string, ClickHouseLogin | null])[] = [
    ["no login", null],
    ["default without a password", { username: "default", password: "" }],
    ["a wrong password", { username, password: generatePassword() }],
    ["an empty password", { username, password: "" }],
  ];
  const attempts = await Promise.all(
    logins.map(async ([what, login]) => {
      const { outcome, detail } = await expectRefusal(() => clickHouseRequest(endpoint, { sql: "SELECT 1", login, signal }), LOGIN_REFUSED);
      return outcome === "refused" ? [] : [`${what} ${detail}`];
    }),
  );
  const problems = [...attempts.flat(), ...((await answersPlainly(endpoint, signal)) ? ["a connection without TLS is answered"] : [])];
  return problems.length > 0 ? failed(problems.join("; ")) : { status: "passed", detail: `refused: ${logins.map(([what]) => what).join(", ")}, a connection without TLS` };
}

/** A server that speaks TLS only hangs up, or says that it wants TLS. */
function answersPlainly({ host, port }: StoreEndpoint, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const deadline = AbortSignal.timeout(PLAIN_TIMEOUT_MS);
    const sent = request({ host, port, path: "/ping", agent: false, signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]) }, (response) => {
      response.resume();
      // Its body may end badly; its status has said it all.
      response.on("error", () => undefined);
      resolve(response.statusCode === 200);
    });
    sent.on("error", () => resolve(false));
    sent.end();
  });
}
