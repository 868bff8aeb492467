import { BulkheadError } from "../errors";
import type { PasswordFunction } from "../pool";
import type { FoundConnection } from "./sources";
import type { SecretReader } from "./secret-reader";

/**
 * A pool's password, read from the secret when a connection is opened; after the server rejected it, read anew.
 *
 * A rotation may change to the second login of the pair. A pool keeps the login it was made with: it goes on with that login's last password while the server takes it, and from then on
 * gets `CONFIG_LOGIN_CHANGED`, since only a new pool can use the new login.
 */
export function passwordFromSecret(secret: SecretReader<FoundConnection>, first: FoundConnection): PasswordFunction {
  const user = first.parsed.user;
  let last = first.parsed.password ?? "";
  return async (parameters, { refresh }) => {
    const { parsed } = await secret.get({ refresh });
    if (parsed.user === (parameters.user ?? user)) {
      last = parsed.password ?? "";
      return last;
    }
    if (!refresh) return last;
    throw new BulkheadError("CONFIG_LOGIN_CHANGED", `the secret now holds the login ${parsed.user}, and this pool was made for ${parameters.user ?? user}, which the server rejects`, {
      hint: "load the configuration anew and make a new pool: DatabaseManager.reinitialize() does both",
    });
  };
}
