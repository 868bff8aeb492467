import { createServer, connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { freePort } from "./free-port";

/**
 * What the network does to a connection.
 *
 * - `latency`: every chunk arrives `ms` late, in both directions
 * - `down`: nobody listens, and open connections are closed
 * - `black-hole`: bytes vanish without a sign; a connection that was in it stays dead afterwards, as after a lost NAT entry
 * - `bandwidth`: `bytesPerSecond` in each direction
 * - `reset`: open connections are reset, new ones as soon as they are accepted
 * - `slow-close`: the end of a connection is passed on `ms` late
 * - `slicing`: chunks arrive in pieces of `bytes`
 * - `data-limit`: a connection ends after `bytes` more from the server
 */
export type Fault =
  | { readonly kind: "latency"; readonly ms: number }
  | { readonly kind: "down" }
  | { readonly kind: "black-hole" }
  | { readonly kind: "bandwidth"; readonly bytesPerSecond: number }
  | { readonly kind: "reset" }
  | { readonly kind: "slow-close"; readonly ms: number }
  | { readonly kind: "slicing"; readonly bytes: number }
  | { readonly kind: "data-limit"; readonly bytes: number };

export interface FaultProxy {
  readonly port: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Bytes that each chunk from the server had, over all connections. */
  readonly serverChunks: readonly number[];
  /** Begins a fault for open and new connections; with `afterServerBytes`, for each connection only once the server has sent it that much. */
  set(fault: Fault, options?: { readonly afterServerBytes?: number }): Promise<void>;
  /** Ends the fault. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/** One accepted connection and its way to the server. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** It was in a black hole: nothing comes through any more. */
  dead: boolean;
  serverBytes: number;
  /** What `data-limit` still lets through; undefined before it begins. */
  left: number | undefined;
}

/**
 * A TCP proxy that can do to connections what networks do. Bytes are passed on in order; a fault takes effect for bytes that arrive after it was set.
 *
 * @param connectDelayMs how long a new connection takes to reach the server
 */
export async function startFaultProxy(target: { readonly host: string; readonly port: number }, { connectDelayMs = 0 } = {}): Promise<FaultProxy> {
  const links = new Set<Link>();
  const serverChunks: number[] = [];
  let fault: Fault | undefined;
  let afterServerBytes = 0;
  let accepted = 0;
  let listener: Server | undefined;

  const active = (link: Link): Fault | undefined => (link.serverBytes >= afterServerBytes ? fault : undefined);

  function accept(client: Socket): void {
    accepted++;
    client.setNoDelay(true);
    client.on("error", () => undefined);
    if (fault?.kind === "reset" && afterServerBytes === 0) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: target.host, port: target.port });
    server.setNoDelay(true);
    const link: Link = { client, server, dead: false, serverBytes: 0, left: undefined };
    links.add(link);
    pass(link, client, server, connectDelayMs);
    pass(link, server, client, 0);
    server.on("error", () => client.destroy());
    client.on("close", () => {
      links.delete(link);
      // The server must not hear of the end through a black hole, but this process has to let go of the socket.
      server.destroy();
    });
  }

  /** Passes what `from` says on to `to`, in order, as the fault of the moment has it. */
  function pass(link: Link, from: Socket, to: Socket, firstDelayMs: number): void {
    let queue: Promise<void> = firstDelayMs > 0 ? sleep(firstDelayMs) : Promise.resolve();
    let queued = firstDelayMs > 0 ? 1 : 0;
    const later = (step: () => Promise<void> | void): void => {
      queued++;
      queue = queue.then(step).then(
        () => void queued--,
        () => void queued--,
      );
    };
    if (firstDelayMs > 0) void queue.then(() => queued--);
    const write = (chunk: Buffer): void => {
      if (to.writable) to.write(chunk);
    };
    from.on("data", (chunk: Buffer) => {
      const now = active(link);
      if (from === link.server) {
        link.serverBytes += chunk.length;
        serverChunks.push(chunk.length);
      }
      if (link.dead || now?.kind === "black-hole") {
        link.dead = true;
        return;
      }
      switch (now?.kind) {
        case "latency":
          later(() => sleep(now.ms).then(() => write(chunk)));
          break;
        case "bandwidth":
          later(() => sleep((chunk.length * 1000) / now.bytesPerSecond).then(() => write(chunk)));
          break;
        case "slicing":
          later(async () => {
            for (let offset = 0; offset < chunk.length; offset += now.bytes) {
              write(chunk.subarray(offset, offset + now.bytes));
              await new Promise(setImmediate);
            }
          });
          break;
        case "data-limit":
          if (from === link.server) {
            link.left ??= now.bytes;
            const passed = chunk.subarray(0, link.left);
            link.left -= passed.length;
            later(() => write(passed));
            if (link.left === 0) later(() => void link.client.end());
            break;
          }
          later(() => write(chunk));
          break;
        case undefined:
        case "down":
        case "reset":
        case "slow-close":
          if (queued === 0) write(chunk);
          else later(() => write(chunk));
      }
      if (active(link)?.kind === "reset") link.client.resetAndDestroy();
      if (active(link)?.kind === "down") link.client.destroy();
    });
    from.on("end", () => {
      const now = active(link);
      if (link.dead || now?.kind === "black-hole") return;
      later(async () => {
        if (now?.kind === "slow-close") await sleep(now.ms);
        to.end();
      });
    });
  }

  async function listen(port: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, accept);
    listener = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  async function close(): Promise<void> {
    const closing = listener;
    listener = undefined;
    for (const link of links) link.client.destroy();
    if (closing !== undefined) await new Promise((resolve) => closing.close(resolve));
  }

  // One that is still free after a while of not being listened on, when the network is "down".
  const port = await listen(await freePort());
  return {
    port,
    get accepted() {
      return accepted;
    },
    serverChunks,
    async set(next, { afterServerBytes: bytes = 0 } = {}) {
      fault = next;
      afterServerBytes = bytes;
      if (bytes > 0) return;
      if (next.kind === "black-hole") for (const link of links) link.dead = true;
      if (next.kind === "reset") for (const link of links) link.client.resetAndDestroy();
      if (next.kind === "down") await close();
    },
    async clear() {
      const was = fault;
      fault = undefined;
      afterServerBytes = 0;
      if (was?.kind === "down" && listener === undefined) await listen(port);
    },
    stop: close,
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
