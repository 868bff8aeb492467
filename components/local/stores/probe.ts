import { connect } from "node:tls";

/**
 * What a connection showed. `ours`: who listens has the key of the stack's certificate. `stranger`: something else listens. `nobody`: nothing does.
 * `silent`: something does, and does not answer in time.
 */
export type ProbeResult = "ours" | "stranger" | "nobody" | "silent";

const PROBE_TIMEOUT_MS = 5_000;
/** The last three are IPv6 on a machine that has none. */
const NOBODY_LISTENS = new Set(["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH", "EAFNOSUPPORT"]);

/** `localhost` may mean either address: on both it must be our server, or on the second nobody. */
export async function probe(port: number, ca: string): Promise<ProbeResult> {
  const [first, second] = await Promise.all([probeAddress("127.0.0.1", port, ca), probeAddress("::1", port, ca)]);
  return first === "ours" && second !== "nobody" ? second : first;
}

function probeAddress(host: string, port: number, ca: string): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ca, servername: "localhost" });
    const done = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => done("silent"));
    socket.once("secureConnect", () => done("ours"));
    socket.on("error", ({ code }: NodeJS.ErrnoException) => done(code !== undefined && NOBODY_LISTENS.has(code) ? "nobody" : "stranger"));
  });
}
