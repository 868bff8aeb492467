import { lstatSync, readlinkSync } from "node:fs";
import { resolve } from "node:path";

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
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
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
    ca: inside("tls", "ca.crt"),
    serverCertificate: inside("tls", "server.crt"),
    serverKey: inside("tls", "server.key"),
    secrets: inside("secrets"),
    adminSecret: inside("secrets", "admin.json"),
  };
}

/** The data directory itself: where the link points, also when nothing is there. */
export function dataDirectoryOf(paths: ServerPaths): string {
  try {
    if (lstatSync(paths.dataLink).isSymbolicLink()) return resolve(paths.directory, readlinkSync(paths.dataLink));
  } catch {
    // Nothing there yet.
  }
  return paths.dataLink;
}
