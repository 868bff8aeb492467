import { BulkheadError } from "../errors/bulkhead-error";

/** Why a request's identity was refused. */
export type IdentityErrorCode =
  /** No token, or several. */
  | "IDENTITY_MISSING"
  /** No token of this library's form. */
  | "IDENTITY_MALFORMED"
  /** Another algorithm than the one, `none` among them. */
  | "IDENTITY_ALGORITHM"
  /** Signed by nobody of the catalog, or by an account that stands for no service. */
  | "IDENTITY_UNKNOWN_CALLER"
  /** The caller has no such key, or not any more. */
  | "IDENTITY_KEY"
  | "IDENTITY_SIGNATURE"
  /** Made for another service. */
  | "IDENTITY_AUDIENCE"
  | "IDENTITY_EXPIRED"
  /** From the future, or good for longer than allowed. */
  | "IDENTITY_CLOCK"
  /** Made for another method, path or body. */
  | "IDENTITY_BINDING"
  /** The caller's entry of the catalog does not list this service in `calls`. */
  | "IDENTITY_FORBIDDEN"
  /** Seen before. */
  | "IDENTITY_REPLAY"
  /** So many requests within a token's life that replays could not be noticed any more. */
  | "IDENTITY_REPLAY_FULL"
  /** The body is larger than is read for its hash. */
  | "IDENTITY_BODY_TOO_LARGE"
  /** The body was read by something before, or broke off. */
  | "IDENTITY_BODY_UNREADABLE"
  /** The keys could not be read: nobody's fault but this side's. */
  | "IDENTITY_UNAVAILABLE";

const STATUS: Readonly<Partial<Record<IdentityErrorCode, number>>> = {
  IDENTITY_FORBIDDEN: 403,
  IDENTITY_BODY_TOO_LARGE: 413,
  IDENTITY_BODY_UNREADABLE: 500,
  IDENTITY_REPLAY_FULL: 503,
  IDENTITY_UNAVAILABLE: 503,
};

/** A request that is refused. The message is for logs; to the caller goes only the code. */
export class IdentityError extends BulkheadError {
  declare readonly code: IdentityErrorCode;
  /** The HTTP status to answer with. */
  readonly status: number;
  /** Who it says it is, where that is a service of the catalog; proven only for what is refused after the signature. */
  readonly caller: string | undefined;

  constructor(code: IdentityErrorCode, message: string, options: { readonly caller?: string | undefined; readonly hint?: string; readonly cause?: unknown } = {}) {
    const { hint, cause } = options;
    super(code, message, { ...(hint === undefined ? {} : { hint }), ...(cause === undefined ? {} : { cause }) });
    this.status = STATUS[code] ?? 401;
    this.caller = options.caller;
  }
}
