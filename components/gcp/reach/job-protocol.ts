import { createHash } from "node:crypto";

import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { Endpoint } from "../../../manager/src/secrets/secret";
import { packJson, unpackJson } from "../../../manager/src/setup/request";
import type { SetupReport, SetupRequest } from "../../../manager/src/setup/request";

/** The variable of an execution that holds its request. */
export const REQUEST_VARIABLE = "BULKHEAD_REQUEST";
/** Cloud Run's bound for one variable is 32 KB (documentation, "Quotas and limits"); some of it is left for the name. */
const REQUEST_MAX_CHARACTERS = 32_000;
/** Cloud Logging's bound for an entry is 256 KB; half of it leaves room for what Logging adds. Unit: characters of ASCII. */
const CHUNK_CHARACTERS = 128_000;
const CHUNKS_MAX = 1_000;
const MARK = "bulkhead-report";

/** What the job is told: no secret is in it, the job reads those from Secret Manager with its own account. */
export interface JobRequest {
  readonly setup: SetupRequest;
  readonly project: string;
  readonly region: string;
  readonly stack: string;
  /** As clients inside the VPC see the database. */
  readonly endpoint: Endpoint;
}

/** What the job has to say. */
export type JobResult =
  | { readonly ok: true; readonly report: SetupReport }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } };

/** @throws BulkheadError `REACH_REQUEST_TOO_LARGE` */
export function packRequest(request: JobRequest): string {
  const text = packJson(request);
  if (text.length <= REQUEST_MAX_CHARACTERS) return text;
  throw new BulkheadError("REACH_REQUEST_TOO_LARGE", `the plan of ${request.setup.plan.compartments.length} compartments takes ${text.length} characters, and Cloud Run hands at most ${REQUEST_MAX_CHARACTERS} to a job`, {
    hint: "use another transport: pulumi config set --path bulkhead:reach.transport tunnel",
  });
}

/** @throws BulkheadError `SETUP_DATA_BROKEN`, `SETUP_IMAGE_STALE` */
export function unpackRequest(text: string): JobRequest {
  const request = unpackJson(text) as JobRequest;
  const version: number = request.setup.version;
  if (version !== 1) throw new BulkheadError("SETUP_IMAGE_STALE", `the request is of version ${version}, and this image knows version 1`, { hint: "build the image from the same checkout" });
  return request;
}

/** The result as lines of a log, which may be mixed with others and come out of order. */
export function resultLines(id: string, result: JobResult): string[] {
  const text = packJson(result);
  const checksum = checksumOf(text);
  const count = Math.ceil(text.length / CHUNK_CHARACTERS);
  return Array.from({ length: count }, (_, index) => `${MARK} ${id} ${index + 1}/${count} ${checksum} ${text.slice(index * CHUNK_CHARACTERS, (index + 1) * CHUNK_CHARACTERS)}`);
}

/** Whether a line is part of some result, and so nothing for a person. */
export function isResultLine(line: string): boolean {
  return line.startsWith(`${MARK} `);
}

/** The result, once all of its lines are there; undefined before. */
export function findResult(id: string, lines: readonly string[]): JobResult | undefined {
  const chunks = new Map<number, string>();
  let count = 0;
  let checksum = "";
  for (const line of lines) {
    const match = /^bulkhead-report (\S+) (\d+)\/(\d+) ([0-9a-f]{64}) (\S+)$/.exec(line);
    if (match === null || match[1] !== id) continue;
    chunks.set(Number(match[2]), match[5]!);
    count = Number(match[3]);
    checksum = match[4]!;
  }
  if (count === 0 || count > CHUNKS_MAX) return undefined;
  const parts = Array.from({ length: count }, (_, index) => chunks.get(index + 1));
  if (parts.includes(undefined)) return undefined;
  const text = parts.join("");
  return checksumOf(text) === checksum ? (unpackJson(text) as JobResult) : undefined;
}

function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
