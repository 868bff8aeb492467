import { spawn } from "node:child_process";
import { closeSync, fchownSync, fstatSync, openSync } from "node:fs";

import type { Owner } from "../../write-file";
import { PROGRAM_ENVIRONMENT } from "../server/run-program";
import { trimLog } from "./server-log";
import type { LogPaths } from "./server-log";

/** What `startDetached` starts. */
export interface DetachedProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** Working folder. Default: `/`. */
  readonly cwd?: string;
  /** The whole of its environment. Default: `PROGRAM_ENVIRONMENT`. */
  readonly environment?: NodeJS.ProcessEnv;
  /** What stdout and stderr are appended to. */
  readonly paths: LogPaths;
  /** Whom it runs as; undefined: as the caller. */
  readonly server: Owner | undefined;
  /** To whom the log belongs. */
  readonly files: Owner | undefined;
}

/** A server that was started, and may end at any moment. */
export interface DetachedProcess {
  /** Undefined where there is no such program, or it may not be run. */
  readonly pid: number | undefined;
  /** Size of the log, in bytes, before it wrote to it. */
  readonly logStart: number;
  /** How it ended; undefined while it runs. */
  readonly ended: () => string | undefined;
}

/** Starts a server in a session of its own, so that neither Ctrl-C in the terminal nor the end or death of this command reaches it. */
export function startDetached({ program, args, cwd = "/", environment = PROGRAM_ENVIRONMENT, paths, server, files }: DetachedProgram): DetachedProcess {
  trimLog(paths);
  const log = openSync(paths.log, "a", 0o600);
  try {
    const logStart = fstatSync(log).size;
    if (files !== undefined) fchownSync(log, files.uid, files.gid);
    let ended: string | undefined;
    const child = spawn(program, args, { cwd, env: environment, detached: true, stdio: ["ignore", log, log], ...server });
    child.once("error", (error) => { ended = error.message; });
    child.once("exit", (exitCode, signalName) => { ended = `exit status ${exitCode ?? signalName}`; });
    child.unref();
    return { pid: child.pid, logStart, ended: () => ended };
  } finally {
    closeSync(log);
  }
}
