import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import type { Cloud } from "../provider/cloud";
import { ApiError, notFound } from "./http";
import type { Route } from "./http";
import { redisRoutes } from "./redis";
import { JobExecutions, runRoutes } from "./run-jobs";
import type { JobFaults } from "./run-jobs";
import { SecretVersions, secretManagerRoutes } from "./secret-manager";
import { sqlAdminRoutes } from "./sql-admin";

/** What goes wrong with the next calls. */
export interface ApiFault {
  /** Calls whose path fits. */
  readonly path: RegExp;
  readonly httpStatus: number;
  readonly status: string;
  /** Default 1. */
  readonly times?: number;
}

/** Google's APIs as far as Bulkhead speaks to them, over HTTP on loopback, with what the simulated cloud holds behind them. */
export interface GoogleApi {
  readonly url: string;
  /** What points Bulkhead and its child processes at it; with the folder of the stand-in for gcloud in front of PATH. */
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: SecretVersions;
  readonly jobs: JobExecutions;
  /** Every call, e.g. `GET /v1/projects/…`. */
  readonly calls: readonly string[];
  inject(fault: ApiFault): void;
  /** From now on the access token has run out. */
  expireCredentials(): void;
  /** Permissions that the caller has not got. */
  deny(...permissions: string[]): void;
  close(): Promise<void>;
}

const TOKEN = "simulated-access-token";

export async function startGoogleApi(cloud: Cloud, jobFaults: JobFaults = {}): Promise<GoogleApi> {
  const faults: { fault: ApiFault; left: number }[] = [];
  const denied = new Set<string>();
  const calls: string[] = [];
  let expired = false;
  let environment: Record<string, string> = {};
  const secrets = new SecretVersions(cloud);
  const jobs = new JobExecutions(cloud, () => environment, jobFaults);
  const routes: Route[] = [
    ...secretManagerRoutes(cloud, secrets),
    ...sqlAdminRoutes(cloud),
    ...runRoutes(jobs),
    ...redisRoutes(cloud),
    { method: "POST", pattern: /^\/v3\/projects\/[^/]+:testIamPermissions$/, answer: (_, { body }) => ({ permissions: (body["permissions"] as string[]).filter((permission) => !denied.has(permission)) }) },
  ];

  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const url = new URL(request.url!, "http://localhost");
    // Google's clients escape the colon of a verb or not, as they please.
    const path = decodeURIComponent(url.pathname);
    const body = await readBody(request);
    calls.push(`${request.method} ${path}`);
    if (expired || request.headers.authorization !== `Bearer ${TOKEN}`) throw new ApiError(401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.");
    const pending = faults.find(({ fault, left }) => left > 0 && fault.path.test(path));
    if (pending !== undefined) {
      pending.left -= 1;
      throw new ApiError(pending.fault.httpStatus, pending.fault.status, "injected by a test");
    }
    for (const { method, pattern, answer } of routes) {
      const match = request.method === method ? pattern.exec(path) : null;
      if (match !== null) return answer({ ...match.groups }, { method, path, query: url.searchParams, body });
    }
    throw notFound(`${request.method} ${path}`);
  };
  const server = createServer((request, response) => {
    const send = (status: number, value: unknown): void => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    answer(request).then(
      (value) => send(200, value),
      (error: unknown) => {
        const { httpStatus, status, message } = error instanceof ApiError ? error : { httpStatus: 500, status: "INTERNAL", message: String(error) };
        send(httpStatus, { error: { code: httpStatus, status, message } });
      },
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  environment = {
    GOOGLE_OAUTH_ACCESS_TOKEN: TOKEN,
    GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT: `${url}/v1/`,
    GOOGLE_SQL_CUSTOM_ENDPOINT: `${url}/sql/v1beta4/`,
    GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT: `${url}/v2/`,
    GOOGLE_REDIS_CUSTOM_ENDPOINT: `${url}/v1/`,
    GOOGLE_LOGGING_CUSTOM_ENDPOINT: `${url}/v2/`,
    GOOGLE_RESOURCE_MANAGER_V3_CUSTOM_ENDPOINT: `${url}/v3/`,
  };
  return {
    url,
    environment: { ...environment, PATH: `${join(__dirname, "../gcloud")}:${process.env["PATH"]}`, SIMULATED_CLOUD_DIR: cloud.dir },
    secrets,
    jobs,
    calls,
    inject: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    expireCredentials: () => {
      expired = true;
    },
    deny: (...permissions) => permissions.forEach((permission) => denied.add(permission)),
    async close() {
      await jobs.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}
