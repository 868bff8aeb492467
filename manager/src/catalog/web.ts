/**
 * Why this is no container image, or undefined if it is one. What tag or digest it must have is the target's to say.
 * (The grammar of the OCI distribution specification: host, path components, tag of up to 128 characters, sha256 digest.)
 */
export function imageProblem(image: string): string | undefined {
  if (image.length > 512) return "is over 512 characters";
  const { name, tag, digest } = imageParts(image);
  const [host = "", ...components] = name.split("/");
  const hostIsOne = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?)+(?::\d{1,5})?$/.test(host);
  if (!hostIsOne || ![...(components.length === 0 ? [host] : components)].every((component) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(component))) return "is no image such as europe-west1-docker.pkg.dev/project/services/backend:1.4.2";
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) return "has no good tag behind the colon";
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) return "has no digest of the form sha256:<64 hexadecimal digits> behind the @";
  return undefined;
}

/** An image's name, tag and digest. A colon is the tag's only behind the last slash; before it, it is a port's. */
export function imageParts(image: string): { readonly name: string; readonly tag: string | undefined; readonly digest: string | undefined } {
  const at = image.indexOf("@");
  const named = at === -1 ? image : image.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  return { name: colon === -1 ? named : named.slice(0, colon), tag: colon === -1 ? undefined : named.slice(colon + 1), digest: at === -1 ? undefined : image.slice(at + 1) };
}

/** Why this is no route of the load balancer, or undefined if it is one: a path, of which the last part may be `*`. */
export function routeProblem(path: string): string | undefined {
  return /^(?:\/[A-Za-z0-9._~-]+)*(?:\/\*?)$|^(?:\/[A-Za-z0-9._~-]+)+$/.test(path) && path !== "/" && path.length <= 255 ? undefined : "is no path such as /api/*, or /* for all that no other service takes";
}

/** Why this is no path for a health check, or undefined if it is one. */
export function healthPathProblem(path: string): string | undefined {
  return /^\/[A-Za-z0-9._~/-]*$/.test(path) && path.length <= 255 ? undefined : "is no path such as /health";
}

/** Where a service finds one that it calls: `accounts` at `ACCOUNTS_URL`, `user-files` at `USER_FILES_URL`. */
export function urlVariable(service: string): string {
  return `${service.toUpperCase().replaceAll("-", "_")}_URL`;
}
