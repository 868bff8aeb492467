import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, chownSync, closeSync, mkdtempSync, chmodSync, openSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBinaries } from "../../../components/local/server/binaries";
import { readPidFile } from "../../../components/local/server/pid-file";
import { until } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { freePort } from "../../support/free-port";

/** A server that was copied from another one's files and stays in recovery: a standby without a stream. */
export interface Standby {
  readonly port: number;
  /** Ends recovery: it becomes a primary on a timeline of its own. */
  promote(): void;
  stop(): Promise<void>;
}

/**
 * Copies a running server's data and starts the copy as a standby. The files are copied while the server runs, which a WAL archive would be needed
 * for in general; here nothing is written meanwhile, and everything since the last checkpoint is in pg_wal. What it cannot show is a stream that falls behind.
 */
export async function startStandby(primary: TestServer): Promise<Standby> {
  const source = realpathSync(join(primary.directory, "data"));
  const root = mkdtempSync(join(tmpdir(), "bulkhead-standby-"));
  chmodSync(root, 0o755);
  const data = join(root, "data");
  const port = await freePort();
  execFileSync("cp", ["-a", source, data]);
  const { uid, gid } = statSync(data);
  for (const name of ["postmaster.pid", "postmaster.opts"]) rmSync(join(data, name), { force: true });
  const write = (name: string, text: string): void => {
    writeFileSync(join(data, name), text);
    chownSync(join(data, name), uid, gid);
  };
  write("standby.signal", "");
  appendFileSync(join(data, "postgresql.conf"), `port = ${port}\nhot_standby = on\nrestore_command = 'false'\nwal_retrieve_retry_interval = '100ms'\n`);
  const log = openSync(join(root, "log"), "a");
  const owner = process.getuid?.() === 0 ? { uid, gid } : {};
  const child = spawn(findBinaries().postgres, ["-D", data], { cwd: "/", env: { PATH: "/usr/bin:/bin" }, stdio: ["ignore", log, log], ...owner });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const killOnExit = (): void => void child.kill("SIGQUIT");
  process.once("exit", killOnExit);
  await until(() => ["ready", "standby"].includes(readPidFile(data)?.status ?? ""), "the standby takes connections", 30_000);
  return {
    port,
    promote() {
      write("promote", "");
      child.kill("SIGUSR1");
    },
    async stop() {
      child.kill("SIGQUIT");
      await ended;
      process.removeListener("exit", killOnExit);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** An address that can be led elsewhere, as a name or a virtual address is in a failover. */
export interface Switch {
  readonly port: number;
  /** New connections go there; open ones stay where they are, or are cut. */
  to(port: number, open?: "stay" | "cut"): void;
  stop(): Promise<void>;
}

export async function startSwitch(first: number): Promise<Switch> {
  let target = first;
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect({ host: "127.0.0.1", port: target });
    for (const [from, to] of [[client, server], [server, client]] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    to(port, open = "stay") {
      target = port;
      if (open === "cut") cut();
    },
    async stop() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
