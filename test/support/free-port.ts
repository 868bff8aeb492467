import { createServer } from "node:net";

/**
 * From where systems give no ports away by themselves (Linux begins at 32768, macOS at 49152): a port that is looked for now and listened on in a while, or again after a
 * restart, must not become the near end of somebody's connection meanwhile.
 */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
/** Each jest worker looks in a part of its own, so that none hands out what another is about to listen on. */
const PARTS = 8;
const PORTS_OF_A_PART = PORTS / PARTS;

const partStart = FIRST_PORT + (Number(process.env["JEST_WORKER_ID"] ?? 1) % PARTS) * PORTS_OF_A_PART;
let next = Math.floor(Math.random() * PORTS_OF_A_PART);

/** A port of 127.0.0.1 that nobody listens on, another one at each call. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORTS_OF_A_PART; attempt++) {
    const port = partStart + (next++ % PORTS_OF_A_PART);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports ${partStart} to ${partStart + PORTS_OF_A_PART - 1} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" || error.code === "EACCES" ? resolve(false) : reject(error)));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
