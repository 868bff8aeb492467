import type { CredentialsFunction, PoolOptions } from "../pool";

/**
 * A pool's credentials from the configuration that the manager loads: loaded anew where the server has refused the login, and now and then, so that a rotation that changes to another login is
 * followed without `reinitialize()`. Only the login is taken from what is loaded then; another host or database takes a new pool.
 *
 * @param first the options that the pool is made with
 * @param reload loads the configuration and gives the options that a pool would be made with now; undefined where there is none of its kind any more
 */
export function credentialsFrom(first: PoolOptions, reload: () => Promise<PoolOptions | undefined>): CredentialsFunction {
  let options = first;
  return async (target, { refresh }) => {
    if (refresh) options = (await reload()) ?? options;
    const { user = "", password = "" } = options;
    // What was just loaded need not be read once more.
    return { user, password: typeof password === "function" ? await password({ ...target, user }, { refresh: false }) : password };
  };
}
