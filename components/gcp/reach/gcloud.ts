import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { BulkheadError, messageOf } from "../../../manager/src/errors/bulkhead-error";
import { redact } from "../../../manager/src/errors/redact";

/** gcloud is a Python program and takes its time to start. Unit: milliseconds. */
const LOGIN_TIMEOUT_MS = 30_000;
const OUTPUT_MAX_CHARACTERS = 16_384;

/**
 * Finds Google's command line on the PATH.
 *
 * @throws BulkheadError `REACH_GCLOUD_MISSING`
 */
export function findGcloud(environment: NodeJS.ProcessEnv = process.env): string {
  for (const folder of (environment["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const path = join(folder, "gcloud");
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // It is in another folder.
    }
  }
  throw new BulkheadError("REACH_GCLOUD_MISSING", "transport tunnel needs Google's command line gcloud, which is not on the PATH", {
    hint: "install it (https://cloud.google.com/sdk/docs/install), or let a job inside the VPC do the work: pulumi config set --path bulkhead:reach.transport job",
  });
}

/**
 * Whether gcloud itself is logged in, which is apart from Application Default Credentials.
 *
 * @throws BulkheadError `REACH_GCLOUD_LOGIN`
 */
export async function requireGcloudLogin(gcloud: string, signal?: AbortSignal): Promise<void> {
  const problem = await new Promise<string | undefined>((resolve) => {
    const child = spawn(gcloud, ["auth", "print-access-token", "--quiet"], { stdio: ["ignore", "ignore", "pipe"], timeout: LOGIN_TIMEOUT_MS, ...(signal && { signal }) });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr = (stderr + chunk).slice(-OUTPUT_MAX_CHARACTERS)));
    child.once("error", (error) => resolve(messageOf(error)));
    child.once("close", (code, ended) => resolve(code === 0 ? undefined : stderr.trim() || `it ended with ${code ?? ended}`));
  });
  signal?.throwIfAborted();
  if (problem !== undefined) throw new BulkheadError("REACH_GCLOUD_LOGIN", `transport tunnel: gcloud is not logged in: ${redact(problem).slice(0, 400)}`, { hint: "gcloud auth login" });
}
