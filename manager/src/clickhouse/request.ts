import { request } from "node:https";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";

import { BulkheadError, messageOf } from "../errors/bulkhead-error";
import { redact } from "../errors/redact";
import type { StoreEndpoint } from "../stores/store-secret";

/** The server answered with an exception. */
export class ClickHouseException extends BulkheadError {
  /** ClickHouse's number, e.g. 497 for a refused privilege; the same in every version. */
  readonly exceptionCode: number;

  constructor(exceptionCode: number, message: string) {
    super("CLICKHOUSE_EXCEPTION", message);
    this.exceptionCode = exceptionCode;
  }
}

export interface ClickHouseLogin {
  readonly username: string;
  readonly password: string;
}

export interface ClickHouseRequest {
  readonly sql: string;
  /** Null: nobody, whom the server takes for `default` without a password. */
  readonly login: ClickHouseLogin | null;
  /** The session's database. It must exist; `system` always does. Default: the server's. */
  readonly database?: string;
  /** Settings of ClickHouse for this query. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ClickHouseAnswer {
  /** Tab-separated values where the query does not say otherwise. */
  readonly text: string;
  /** E.g. `TLSv1.3`. */
  readonly tlsVersion: string;
}

const TIMEOUT_MS = 10_000;
/** What the setup and the checks ask for is a few lines. */
const ANSWER_MAX_BYTES = 1024 * 1024;

/**
 * One query over HTTPS, the server verified by the endpoint's authority and name, on a connection of its own. By Node's own client: what sets up and checks a store must speak with servers of every version, and
 * works without the optional `@clickhouse/client`, which is for servers from 23.x on.
 *
 * @throws ClickHouseException; BulkheadError `CLICKHOUSE_UNREACHABLE`, `CLICKHOUSE_TIMEOUT`, `CLICKHOUSE_ANSWER`; the signal's reason
 */
export function clickHouseRequest({ host, port, ca }: StoreEndpoint, { sql, login, database, settings = {}, timeoutMs = TIMEOUT_MS, signal }: ClickHouseRequest): Promise<ClickHouseAnswer> {
  const where = `ClickHouse at ${host}:${port}`;
  // Without waiting for the end, the first rows go out with status 200 and an exception comes after them.
  const query = new URLSearchParams({ wait_end_of_query: "1", ...(database === undefined ? {} : { database }), ...settings });
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const fail = (error: unknown): void => {
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (deadline.aborted) reject(new BulkheadError("CLICKHOUSE_TIMEOUT", `${where} gave no answer within ${timeoutMs} ms`, { hint: "look at its log: npx bulkhead logs clickhouse" }));
      else if (error instanceof BulkheadError) reject(error);
      else reject(new BulkheadError("CLICKHOUSE_UNREACHABLE", `${where} cannot be reached: ${redact(messageOf(error))}`, { hint: "see whether it runs: npx bulkhead status", cause: error }));
    };
    const sent = request(
      {
        host,
        port,
        ca,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        minVersion: "TLSv1.2",
        agent: false,
        method: "POST",
        path: `/?${query.toString()}`,
        headers: { "Content-Length": Buffer.byteLength(sql), ...(login === null ? {} : { Authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}` }) },
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      },
      (response) => {
        const tlsVersion = (response.socket as TLSSocket).getProtocol() ?? "no TLS";
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        response.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > ANSWER_MAX_BYTES) response.destroy(new BulkheadError("CLICKHOUSE_ANSWER", `${where} answered with more than ${ANSWER_MAX_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.on("error", fail);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode === 200) resolve({ text, tlsVersion });
          else fail(exceptionOf(text, response.headers["x-clickhouse-exception-code"]) ?? new BulkheadError("CLICKHOUSE_ANSWER", `${where} answered with status ${response.statusCode}, and no exception of ClickHouse`, { hint: "see whether something else listens there" }));
        });
      },
    );
    sent.on("error", fail);
    sent.end(sql);
  });
}

/** Of the message, the first line without the stack trace that old servers send with it. */
function exceptionOf(text: string, header: string | string[] | undefined): ClickHouseException | undefined {
  const code = /^(?:Poco::Exception\. )?Code: (\d+)/.exec(text)?.[1] ?? (typeof header === "string" ? header : undefined);
  if (code === undefined || !/^\d{1,6}$/.test(code)) return undefined;
  const [line = ""] = text.split("\n", 1);
  return new ClickHouseException(Number(code), redact(line.slice(0, 1_000)));
}
