/** One request to the simulated Google, and the answer it gets. */
export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
}

/** An answer of Google's other than 200. */
export class ApiError extends Error {
  constructor(readonly httpStatus: number, readonly status: string, message: string) {
    super(message);
  }
}

export function notFound(what: string): ApiError {
  return new ApiError(404, "NOT_FOUND", `${what} not found.`);
}

/** A route: the names in its pattern's groups are handed over. */
export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly answer: (names: Readonly<Record<string, string>>, request: ApiRequest) => unknown;
}
