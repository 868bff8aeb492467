/** A service that users reach, and under which path. */
export interface Route {
  readonly service: string;
  /** `/api/*`, `/status`, or `/*` for all that no other takes. */
  readonly path: string;
}

/** The load balancer's routing: one service for what no rule takes, and the paths of the others. */
export interface Routing {
  readonly fallback: string;
  readonly rules: readonly { readonly service: string; readonly paths: readonly string[] }[];
}

/**
 * Routing as a URL map understands it. There `/api/*` is everything below `/api/` and not `/api` itself, which would go to the fallback; so a service
 * gets that too, unless another one names it. The longest path decides, whatever the order.
 *
 * @throws Error without exactly one `/*`: the configuration's check sees to it
 */
export function routingOf(routes: readonly Route[]): Routing {
  const [fallback, ...more] = routes.filter(({ path }) => path === "/*");
  if (fallback === undefined || more.length > 0) throw new Error(`exactly one service has the path /*, not ${more.length + (fallback === undefined ? 0 : 1)}`);
  const named = new Set(routes.map(({ path }) => path));
  return {
    fallback: fallback.service,
    rules: routes
      .filter((route) => route !== fallback)
      .map(({ service, path }) => {
        const bare = path.endsWith("/*") ? path.slice(0, -2) : undefined;
        return { service, paths: bare === undefined || named.has(bare) ? [path] : [bare, path] };
      }),
  };
}
