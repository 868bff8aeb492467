import type { DatabaseSecret } from "../secrets/secret";
import { clientConfig, withSession } from "./connect";
import { classifyLoginFailure } from "./login-failure";

/**
 * Whether Postgres takes the password. It checks that before anything else about the role or database, so any other refusal means yes.
 * A server that cannot be reached is thrown, since it says nothing about the password.
 */
export async function passwordWorks(secret: DatabaseSecret, applicationName: string): Promise<boolean> {
  try {
    await withSession(clientConfig(secret, applicationName), async () => {});
    return true;
  } catch (error) {
    switch (classifyLoginFailure(error)) {
      case "password":
        return false;
      case "refused after authentication":
        return true;
      case "unreachable":
        throw error;
    }
  }
}
