import { lstatSync, readlinkSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { tlsPaths } from "../../certificates/tls-files";

/** Where everything of one stack's server is. */
export interface ServerPaths {
  /** `.bulkhead/<stack>`, absolute. */
  readonly directory: string;
  /** The data directory as the stack names it: a folder, or a symbolic link where the data is kept elsewhere. */
  readonly dataLink: string;
  /** What the server's processes write to stdout and stderr. */
  readonly log: string;
  /** The log before the last trimming. */
  readonly oldLog: string;
  /** The port of the last start, in digits. */
  readonly port: string;
  readonly lock: string;
  readonly tls: string;
  /** The authority's certificate. */
  readonly ca: string;
  readonly secrets: string;
  readonly adminSecret: string;
}

/** The layout of a stack directory. */
export function serverPaths(stackDirectory: string): ServerPaths {
  const directory = resolve(stackDirectory);
  const inside = (...parts: string[]) => resolve(directory, ...parts);
  return {
    directory,
    dataLink: inside("data"),
    log: inside("server.log"),
    oldLog: inside("server.log.1"),
    port: inside("port"),
    lock: inside("server.lock"),
    tls: inside("tls"),
    ca: tlsPaths(inside("tls")).ca,
    secrets: inside("secrets"),
    adminSecret: inside("secrets", "admin.json"),
  };
}

/** The data directory itself: where the link points, also when nothing is there. */
export function dataDirectoryOf({ dataLink }: Pick<ServerPaths, "dataLink">): string {
  try {
    if (lstatSync(dataLink).isSymbolicLink()) return resolve(dirname(dataLink), readlinkSync(dataLink));
  } catch {
    // Nothing there yet.
  }
  return dataLink;
}
