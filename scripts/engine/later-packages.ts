import Module, { createRequire } from "node:module";

/**
 * Of Pulumi's SDK, what only functions need that are turned into text for a cloud to run. It loads both with everything else: half a second of each command, and 70 MB.
 * Nothing here makes such functions; whoever does gets the real package at its first use.
 */
const LATER = ["typescript", "@npmcli/arborist"];

/** What loaders ask every package for, before anybody wants something of it: that it is to be taken as it is, and has no other face for `import`. */
const ANSWERS = new Map<string | symbol, unknown>([["__esModule", true], ["module.exports", undefined]]);

const fromSdk = createRequire(createRequire(__filename).resolve("@pulumi/pulumi"));

for (const name of LATER) {
  const file = locate(name);
  if (file !== undefined && fromSdk.cache[file] === undefined) fromSdk.cache[file] = laterModule(name, file);
}

function locate(name: string): string | undefined {
  try {
    return fromSdk.resolve(name);
  } catch {
    // Pulumi does without TypeScript as well.
    return undefined;
  }
}

/** Stands in the place of a package until something of it is asked for. */
function laterModule(name: string, file: string): NodeModule {
  let loaded: object | undefined;
  const load = (): object => {
    if (loaded === undefined) {
      delete fromSdk.cache[file];
      loaded = fromSdk(name) as object;
    }
    return loaded;
  };
  const exports: unknown = new Proxy({}, {
    get(_, key) {
      if (ANSWERS.has(key)) return ANSWERS.get(key);
      // Taken as it is, it has to have what `import x from` of a CommonJS package gives: all of it.
      return key === "default" && !Reflect.has(load(), key) ? load() : (Reflect.get(load(), key) as unknown);
    },
    set: (_, key, value) => Reflect.set(load(), key, value),
    has: (_, key) => Reflect.has(load(), key),
    ownKeys: () => Reflect.ownKeys(load()),
    getOwnPropertyDescriptor(_, key) {
      if (ANSWERS.has(key)) return undefined;
      const descriptor = Reflect.getOwnPropertyDescriptor(load(), key);
      // A proxy may only speak of fixed properties that its own target has.
      return descriptor && { ...descriptor, configurable: true };
    },
  });
  return Object.assign(new Module(file), { loaded: true, exports });
}
