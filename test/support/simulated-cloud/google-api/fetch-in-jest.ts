import { Gaxios } from "gaxios";
import type { GaxiosOptions, GaxiosPromise } from "gaxios";

/**
 * Gaxios, which Google's libraries speak HTTP with, loads node-fetch by `import()`, and Jest's contexts have none: here it is given Node's
 * own fetch. What runs outside of Jest, as the setup job does in the same tests, goes its usual way.
 */
const descriptor = Object.getOwnPropertyDescriptor(Gaxios.prototype, "request")!;
const request = descriptor.value as (this: Gaxios, options: GaxiosOptions) => GaxiosPromise<unknown>;
const withFetch = function (this: Gaxios, options: GaxiosOptions = {}): GaxiosPromise<unknown> {
  return request.call(this, { fetchImplementation: globalThis.fetch, ...options });
};
Object.defineProperty(Gaxios.prototype, "request", { ...descriptor, value: withFetch });
