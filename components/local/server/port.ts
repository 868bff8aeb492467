import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { Owner } from "../../write-file";
import { writeFileAtomically } from "../../write-file";

const LOOPBACK = ["127.0.0.1", "::1"];
/** How many ports after the wanted one are tried. */
const PORTS_TRIED = 200;
const CONNECT_TIMEOUT_MS = 1_000;

/** Where a server's port is written down. */
interface PortFile {
  /** The port of the last start, in digits. */
  readonly port: string;
}

/** The port of the last start; undefined where none is remembered. */
export function rememberedPort(paths: PortFile): number | undefined {
  try {
    const text = readFileSync(paths.port, "utf8").trim();
    const port = Number(text);
    return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the port down for the next start. */
export function rememberPort(paths: PortFile, port: number, owner: Owner | undefined): void {
  if (rememberedPort(paths) !== port) writeFileAtomically(paths.port, `${port}\n`, { mode: 0o644, owner });
}

/**
 * The wanted port, or the next one that nobody listens on, on neither loopback address.
 * @throws BulkheadError `SERVER_NO_FREE_PORT`.
 */
export async function nextFreePort(wanted: number): Promise<number> {
  const last = Math.min(wanted + PORTS_TRIED, 65_535);
  for (let port = wanted; port <= last; port++) {
    if (await isFree(port)) return port;
  }
  throw new BulkheadError("SERVER_NO_FREE_PORT", `Every port from ${wanted} to ${last} is taken on this machine.`, { hint: "See who listens: ss -ltnp   (macOS: lsof -nP -iTCP -sTCP:LISTEN)" });
}

/** Whether nobody listens on it, on neither loopback address. */
export async function isFree(port: number): Promise<boolean> {
  for (const host of LOOPBACK) {
    // A listener on all addresses shows by answering, on systems that would let this address be taken beside it; one that only holds the port shows by binding.
    if ((await answers(host, port)) || !(await canListen(host, port))) return false;
  }
  return true;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => done(true));
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
  });
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
