import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { BulkheadError, messageOf } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";
import { clientConfig, openSession } from "../../../manager/src/postgres/connect";
import { classifyLoginFailure } from "../../../manager/src/postgres/login-failure";
import { runRequest, sessionOperations } from "../../../manager/src/setup/operations";
import { checkSchemas } from "../../../manager/src/setup/request";
import { GCP_ADMIN } from "../reach/admin-login";
import { googleClients } from "../google/clients";
import { googleSettings } from "../google/settings";
import { namesOf } from "../labels";
import { REQUEST_VARIABLE, resultLines, unpackRequest } from "../reach/job-protocol";
import type { JobRequest, JobResult } from "../reach/job-protocol";
import { readStoredSecret, secretManagerStore } from "../secrets/secret-store";

/** The root of the image: schema folders are relative to it, as to that of the checkout. */
const ROOT = resolve(__dirname, "../../..");

/**
 * The setup job: runs the one request that the execution was given, beside the database, and writes the report into its own log. Whoever
 * started it reads that back.
 */
async function main(): Promise<void> {
  const packed = process.env[REQUEST_VARIABLE];
  if (packed === undefined || packed === "") {
    write(`${REQUEST_VARIABLE} is not set: this job is started by npm run up, not by hand`);
    process.exitCode = 2;
    return;
  }
  const request = unpackRequest(packed);
  const result = await run(request);
  // As they are: a redacted checksum would fit nothing.
  for (const line of resultLines(request.setup.id, result)) process.stdout.write(`${line}\n`);
  if (!result.ok) process.exitCode = 1;
}

async function run({ setup, project, region, stack, endpoint }: JobRequest): Promise<JobResult> {
  const stop = new AbortController();
  // Cloud Run's order to end, ten seconds before it takes the container away.
  process.once("SIGTERM", () => stop.abort(new BulkheadError("JOB_CANCELLED", "the setup was cancelled", { hint: "npm run up" })));
  const clients = googleClients(googleSettings((key) => ({ "gcp:project": project, "gcp:region": region })[key]));
  try {
    await checkSchemas(setup, ROOT);
    const admin = await readStoredSecret(clients, namesOf(stack).adminSecret, stop.signal);
    if (admin === undefined) throw new BulkheadError("SECRET_MISSING", `the admin secret ${namesOf(stack).adminSecret} is missing or not whole`, { hint: "npm run up" });
    // A service's own tool is handed a URL, which names this file.
    if (setup.catalog.services.some(({ migrations }) => migrations !== null && "command" in migrations)) {
      await mkdir(dirname(endpoint.caPath), { recursive: true });
      await writeFile(endpoint.caPath, endpoint.ca);
    }
    const operations = sessionOperations({
      secrets: secretManagerStore(clients, stack),
      endpoint,
      stores: [],
      openSession: (database) =>
        openSession(clientConfig({ ...admin, dbname: database }, "bulkhead")).catch((error: unknown) => {
          if (classifyLoginFailure(error) !== "password") throw error;
          throw new BulkheadError("ADMIN_LOGIN_REFUSED", `${GCP_ADMIN} does not get in with the password of its secret`, { hint: "npm run up (it sets the password)", cause: error });
        }),
    });
    return { ok: true, report: await runRequest(setup, operations, { root: ROOT, progress: write, signal: stop.signal }) };
  } catch (error) {
    const { code, hint } = error instanceof BulkheadError ? error : { code: "JOB_FAILED", hint: undefined };
    return { ok: false, error: { code, message: redact(messageOf(error)), hint: hint === undefined ? null : redact(hint) } };
  } finally {
    await clients.close();
  }
}

function write(line: string): void {
  process.stdout.write(`${redact(line)}\n`);
}

void main().catch((error: unknown) => {
  write(messageOf(error));
  process.exitCode = 1;
});
