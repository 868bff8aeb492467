import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { TlsFiles } from "../../certificates/tls-files";
import { notedProcess } from "../processes/process-note";
import { dataDirectoryOf, serverPaths } from "../server/paths";
import { rememberedPort } from "../server/port";
import { readTls } from "../server/tls";
import { probe } from "./probe";
import type { StorePaths } from "./store-paths";
import type { StoreServer } from "./store-server";

/** A server that its clients can use. */
export interface RunningStore {
  readonly host: "localhost";
  readonly port: number;
  /** PEM text of the authority. */
  readonly ca: string;
  readonly dataDirectory: string;
  readonly version: string;
}

/** `down`: not running. `busy`: running, and not listening yet. `unfit`: running, but it takes a restart to put something right. */
export type StoreState = { readonly kind: "fit"; readonly running: RunningStore } | { readonly kind: "unfit"; readonly why: string; readonly pid: number } | { readonly kind: "busy"; readonly pid: number } | { readonly kind: "down" };

/** Whether a store's server runs and is as it has to be: configuration, certificates, and that it is our server which listens. Changes nothing. */
export async function examineStore(server: StoreServer, paths: StorePaths, { progress, signal }: { readonly progress: (line: string) => void; readonly signal?: AbortSignal | undefined }): Promise<StoreState> {
  const stack = serverPaths(paths.stackDirectory);
  const pid = notedProcess(paths.process);
  if (pid === undefined) return { kind: "down" };
  const dataDirectory = dataDirectoryOf(paths);
  const content = (name: string) => readIfThere(join(dataDirectory, name));
  const [port, version] = [rememberedPort(paths), readIfThere(paths.version)?.trim()];
  if (port === undefined || version === undefined || [...server.configuration({ dataDirectory, version, port })].some(([name, text]) => content(name) !== text)) {
    return { kind: "unfit", why: "its configuration has changed", pid };
  }
  const tls: TlsFiles | undefined = readTls(stack);
  if (tls === undefined || content("server.crt") !== tls.certificate || content("server.key") !== tls.key) return { kind: "unfit", why: "its certificates are lost or run out soon", pid };
  const answer = await probe(port, tls.ca);
  if (answer === "stranger") return { kind: "unfit", why: "another program listens on its port", pid };
  if (answer !== "ours") return { kind: "busy", pid };
  const why = await server.whyUnfit({ dataDirectory, secrets: stack.secrets, progress }, signal);
  return why === undefined ? { kind: "fit", running: { host: "localhost", port, ca: tls.ca, dataDirectory, version } } : { kind: "unfit", why, pid };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
