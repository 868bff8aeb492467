import type { ExecutionsClient, JobsClient } from "@google-cloud/run";
import type { SecretManagerServiceClient } from "@google-cloud/secret-manager";
import type { GoogleAuth } from "google-auth-library";

import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { googleError, isConnectionLost, isPassing, readFailure } from "./failures";
import type { GoogleApi, GoogleSettings } from "./settings";
import { pause } from "./pause";

/** One call, with its answer; none of those made here takes Google long. Unit: milliseconds. */
const CALL_TIMEOUT_MS = 30_000;
/** A call is made at most this often; the waits between are 0.5, 1, 2 and 4 s, give or take a half, against everybody coming back at once. */
const ATTEMPTS_MAX = 5;
const FIRST_WAIT_MS = 500;

/** A call by REST, where Google has no small client library. */
export interface RestCall {
  readonly method?: "GET" | "POST" | "PUT";
  /** Behind the API's address, e.g. `projects/p/instances`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** How a call is described and stopped. */
export interface CallOptions {
  /** For the error: "reading the secret x". */
  readonly what: string;
  /** Role or permission that the call needs, for the error. */
  readonly permission?: string;
  readonly signal?: AbortSignal | undefined;
  /** The call changes nothing, so it may be made again where the connection broke and nobody knows whether it was heard. Default: false. */
  readonly repeatable?: boolean;
}

/** Google's clients, each made when it is first used. */
export interface GoogleClients {
  readonly settings: GoogleSettings;
  secretManager(): Promise<SecretManagerServiceClient>;
  runJobs(): Promise<JobsClient>;
  runExecutions(): Promise<ExecutionsClient>;
  rest<T>(api: GoogleApi, call: RestCall, options: CallOptions): Promise<T>;
  close(): Promise<void>;
}

export function googleClients(settings: GoogleSettings): GoogleClients {
  let login: GoogleAuth | undefined;
  const auth = (): GoogleAuth => (login ??= logIn(settings));
  const opened: { initialize(): Promise<unknown>; close(): Promise<void> }[] = [];
  const once = <T extends { initialize(): Promise<unknown>; close(): Promise<void> }>(api: GoogleApi, make: (options: ReturnType<typeof restOptions>) => T): (() => Promise<T>) => {
    let client: Promise<T> | undefined;
    return () =>
      (client ??= (async () => {
        const made = make(restOptions(settings.endpoints[api], auth()));
        // Apart from the first call: where the login fails, that would leave a rejected promise to nobody, which ends the process.
        await made.initialize().catch((error: unknown) => {
          throw googleError(error, `logging in to ${new URL(settings.endpoints[api]).hostname}`);
        });
        opened.push(made);
        return made;
      })());
  };
  return {
    settings,
    secretManager: once("secretManager", (options) => new (load<typeof import("@google-cloud/secret-manager")>("@google-cloud/secret-manager").SecretManagerServiceClient)(options)),
    runJobs: once("cloudRunV2", (options) => new (load<typeof import("@google-cloud/run")>("@google-cloud/run").JobsClient)(options)),
    runExecutions: once("cloudRunV2", (options) => new (load<typeof import("@google-cloud/run")>("@google-cloud/run").ExecutionsClient)(options)),
    rest: <T>(api: GoogleApi, { method = "GET", path, query, body }: RestCall, options: CallOptions) =>
      callGoogle(async () => {
        const { data } = await auth().request<T>({ url: settings.endpoints[api] + path, method, retry: false, timeout: CALL_TIMEOUT_MS, ...(query && { params: query }), ...(body !== undefined && { data: body }), ...(options.signal && { signal: options.signal }) });
        return data;
      }, { ...options, repeatable: options.repeatable ?? method === "GET" }),
    async close() {
      await Promise.all(opened.splice(0).map((client) => client.close().catch(() => undefined)));
    },
  };
}

/**
 * Makes a call, again while Google is busy (429, 503), and one that changes nothing also after its connection broke, in bounded time.
 *
 * @throws BulkheadError `GCP_…`, or the signal's reason
 */
export async function callGoogle<T>(call: () => Promise<T>, { what, permission, signal, repeatable = false }: CallOptions): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await within(call(), what, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof BulkheadError || attempt === ATTEMPTS_MAX || !(isPassing(readFailure(error)) || (repeatable && isConnectionLost(error)))) throw googleError(error, what, permission);
      await pause(FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random()), signal);
    }
  }
}

async function within<T>(call: Promise<T>, what: string, signal: AbortSignal | undefined): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new BulkheadError("GCP_UNREACHABLE", `${what} got no answer within ${CALL_TIMEOUT_MS / 1000} s`, { hint: "check this machine's network and proxy" })), CALL_TIMEOUT_MS);
    onAbort = () => reject(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([call, stopped]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
  }
}

function logIn({ accessToken }: GoogleSettings): GoogleAuth {
  const { GoogleAuth, OAuth2Client } = load<typeof import("google-auth-library")>("google-auth-library");
  const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
  if (accessToken === null) return new GoogleAuth({ scopes });
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: accessToken });
  return new GoogleAuth({ scopes, authClient });
}

/** REST everywhere: it goes through the proxies that gRPC does not, and to the same addresses as Pulumi's provider. */
function restOptions(endpoint: string, auth: GoogleAuth) {
  const { protocol, hostname, port } = new URL(endpoint);
  return { auth: auth as never, fallback: true, apiEndpoint: hostname, protocol: protocol.slice(0, -1), port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
}

/** Loads what the clients above are made of, each at its first use otherwise: for a moment in which there is nothing else to do. */
export function loadGoogleLibraries(): void {
  for (const name of ["google-auth-library", "@google-cloud/secret-manager", "@google-cloud/run"]) load(name);
}

/** The packages are optional: a stack on a laptop has no need of them. */
function load<T>(name: string): T {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- optional, so loaded when the first client is made, which import() would make asynchronous
    return require(name) as T;
  } catch (error) {
    throw new BulkheadError("GCP_SDK_MISSING", `the package ${name} is needed for a gcp stack, and cannot be loaded`, { hint: "npm install --include=optional", cause: error });
  }
}
