import { request } from "node:http";
import type { Readable } from "node:stream";

/** Of Docker 20.10; newer daemons answer to it, too. */
const VERSION = "v1.41";
const TIMEOUT_MS = 120_000;

/** An answer of the daemon that is no success. */
export class EngineError extends Error {
  /** @param message as the daemon says it */
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

/** Docker's Engine API on a socket, as far as tests need it. */
export class EngineApi {
  /** @param host such as `unix:///var/run/docker.sock` */
  constructor(private readonly host: string) {
    if (!host.startsWith("unix://")) throw new Error(`the tests speak to Docker by a socket only, and not to ${host}`);
  }

  get<T>(path: string): Promise<T> {
    return this.call("GET", path) as Promise<T>;
  }

  /** @returns undefined where there is none */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.call("POST", path, body) as Promise<T>;
  }

  delete(path: string): Promise<void> {
    return this.call("DELETE", path) as Promise<void>;
  }

  /** @param body undefined for none; a stream is sent as a tar archive */
  private call(method: string, path: string, body?: unknown): Promise<unknown> {
    const isArchive = isReadable(body);
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: this.host.slice("unix://".length), method, path: `/${VERSION}${path}`, headers: { Host: "docker", ...(body === undefined ? {} : { "Content-Type": isArchive ? "application/x-tar" : "application/json" }) }, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const status = response.statusCode ?? 0;
          if (status >= 400) reject(new EngineError(messageOf(text), status));
          else resolve(parsed(text));
        });
      });
      outgoing.on("error", reject);
      outgoing.on("timeout", () => outgoing.destroy(new Error(`Docker gave no answer to ${method} ${path} within ${TIMEOUT_MS / 1000} s`)));
      if (isArchive) body.pipe(outgoing);
      else outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function isReadable(value: unknown): value is Readable {
  return typeof value === "object" && value !== null && "pipe" in value;
}

function messageOf(text: string): string {
  const answer = parsed(text);
  return typeof answer === "object" && answer !== null && "message" in answer ? String(answer.message) : text.trim();
}

/** Some answers are empty, some a line of JSON for each step: the last one tells. */
function parsed(text: string): unknown {
  const lines = text.trim().split("\n");
  for (const candidate of [text, lines.at(-1) ?? ""]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // The next one, or it is no JSON.
    }
  }
  return text;
}
