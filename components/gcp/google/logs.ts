import type { GoogleClients } from "./clients";

/** Cloud Logging's own upper bound of a page. */
const PAGE_SIZE = 1000;
/** A setup writes some hundred lines; what writes more than this many pages is not read to its end. */
const PAGES_MAX = 50;

/** One line that a container wrote. */
export interface LogLine {
  /** Unique; the same line keeps it when it is read again. */
  readonly id: string;
  readonly text: string;
}

/** The lines of one execution of a Cloud Run job that have reached Cloud Logging so far, oldest first: some come seconds after they were written. */
export async function readExecutionLog(clients: GoogleClients, { job, execution }: { readonly job: string; readonly execution: string }, signal?: AbortSignal): Promise<LogLine[]> {
  const { project } = clients.settings;
  const filter = [`resource.type="cloud_run_job"`, `resource.labels.job_name="${job}"`, `labels."run.googleapis.com/execution_name"="${execution}"`].join(" AND ");
  const lines: LogLine[] = [];
  let pageToken: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer: { entries?: readonly { readonly insertId?: string; readonly textPayload?: string }[]; nextPageToken?: string } = await clients.rest(
      "logging",
      { method: "POST", path: "entries:list", body: { resourceNames: [`projects/${project}`], filter, orderBy: "timestamp asc", pageSize: PAGE_SIZE, ...(pageToken !== undefined && { pageToken }) } },
      { what: `reading the log of the execution ${execution}`, permission: "roles/logging.viewer", signal, repeatable: true },
    );
    for (const { insertId, textPayload } of answer.entries ?? []) if (textPayload !== undefined) lines.push({ id: insertId ?? textPayload, text: textPayload.replace(/\n$/, "") });
    pageToken = answer.nextPageToken === "" ? undefined : answer.nextPageToken;
    if (pageToken === undefined) break;
  }
  return lines;
}
