import { scramVerifier } from "../../../manager/src/postgres/scram";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { tryAdminLogin } from "./admin-login";
import { adminSecret, newPassword, readAdminPassword, writeAdminSecret } from "./admin-secret";
import { resetAdmin } from "./bootstrap";
import { createCluster, writeConfiguration } from "./cluster";
import { hasDataDirectory, readSystemIdentifier, removeLeftovers } from "./data-directory";
import type { FitServer, WantedSettings } from "./examine";
import type { ServerPaths } from "./paths";
import type { Placement } from "./placement";
import { nextFreePort, rememberPort, rememberedPort } from "./port";
import { clearAfterCrash, startPostmaster, stopPostmaster } from "./postmaster";
import type { Identities } from "./run-as";
import { ensureTls, installTls } from "./tls";

/** Starts of one call: one, and one more for each thing that only a running server shows (a wrong password, a port lost to a faster program). */
const MAX_STARTS = 6;

/** What `bringUp` works with. */
export interface BringUpOptions {
  readonly paths: ServerPaths;
  readonly placement: Placement;
  readonly identities: Identities;
  readonly wanted: WantedSettings;
  readonly preferredPort: number;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Takes a stopped server, or none at all, to one that the admin has logged in to. The caller holds the stack's lock. */
export async function bringUp(options: BringUpOptions): Promise<FitServer & { started: boolean; initialised: boolean }> {
  const { paths, placement, identities, wanted, progress, signal } = options;
  const { dataDirectory, binaries } = placement;
  await clearAfterCrash(dataDirectory, progress);
  await removeLeftovers(dataDirectory);
  const initialised = !hasDataDirectory(dataDirectory);
  const tls = await ensureTls(paths, identities.files, progress);
  let port = await choosePort(options);
  let password = readAdminPassword(paths);
  const singleUser = { dataDirectory, binaries, owner: identities.server, signal };
  const givePassword = async (why: string) => {
    progress(`giving the admin a new password: ${why}`);
    password = newPassword();
    await resetAdmin({ ...singleUser, adminVerifier: await scramVerifier(password) });
    return password;
  };

  if (initialised) {
    progress(`making the data directory of PostgreSQL ${binaries.version}`);
    password ??= newPassword();
    await createCluster({ ...singleUser, settings: { ...wanted, port }, adminVerifier: await scramVerifier(password) });
  } else {
    writeConfiguration(dataDirectory, { ...wanted, port }, identities.server);
    password ??= await givePassword("its secret was lost or damaged");
  }

  for (let starts = 1; starts <= MAX_STARTS; starts++) {
    writeConfiguration(dataDirectory, { ...wanted, port }, identities.server);
    installTls(dataDirectory, tls, identities.server);
    rememberPort(paths, port, identities.files);
    writeAdminSecret(paths, adminSecret(paths, { port, password, ca: tls.ca }), identities.files);
    progress(`starting PostgreSQL ${binaries.version} on port ${port}`);
    const start = await startPostmaster({ paths, dataDirectory, binaries, server: identities.server, files: identities.files, signal });
    const login = start.outcome === "ready" ? await loginOnBoth(port, password, tls.ca) : "stranger";
    if (start.outcome === "ready" && (login === "ok" || login === "full")) {
      return { host: "localhost", port, systemIdentifier: readSystemIdentifier(dataDirectory), version: binaries.version, caPath: paths.ca, pid: start.pid, started: true, initialised };
    }
    await stopPostmaster(dataDirectory, progress);
    if (login === "wrong-password") {
      password = await givePassword("its secret does not fit");
    } else if (login === "stranger") {
      progress(`another program was faster to port ${port}`);
      port = await nextFreePort(port + 1);
    }
  }
  throw new BulkheadError("SERVER_START_FAILED", `Postgres was started ${MAX_STARTS} times on ports up to ${port}, and its admin could log in none of the times.`, { hint: `Read its log: cat '${paths.log}'` });
}

async function choosePort({ paths, preferredPort, progress }: BringUpOptions): Promise<number> {
  const remembered = rememberedPort(paths);
  const wanted = remembered ?? preferredPort;
  const port = await nextFreePort(wanted);
  if (port !== wanted) progress(`port ${wanted} is taken by another program: using ${port}, now and from now on`);
  return port;
}

/** `localhost` may mean either address: on both it must be our server, or nobody. */
async function loginOnBoth(port: number, password: string, ca: string): ReturnType<typeof tryAdminLogin> {
  const login = await tryAdminLogin("127.0.0.1", port, password, ca);
  if (login !== "ok") return login;
  return (await tryAdminLogin("::1", port, password, ca)) === "stranger" ? "stranger" : "ok";
}
