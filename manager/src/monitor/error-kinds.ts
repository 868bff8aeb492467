import { classifyError } from "../errors/classify";
import type { ErrorClass } from "../errors/classified-error";

/** What of an error is counted. */
export interface ErrorKind {
  readonly class: ErrorClass;
  /** Its code, or its class where it has none: OpenTelemetry's `error.type`. Few different ones. */
  readonly type: string;
  /** The SQLSTATE, where the server answered. */
  readonly sqlstate: string | undefined;
  /** False where the statement or its data are to blame, or nobody: such errors say nothing of the database's health. */
  readonly failure: boolean;
}

const NO_FAILURE: ReadonlySet<ErrorClass> = new Set<ErrorClass>(["constraint", "data", "query", "application", "cancelled", "transaction", "none"]);
const KINDS_MAX = 256;
const KEY_CHARS_MAX = 200;

/** Classifies errors, and remembers what it said by code, or by message where there is none: under a storm of errors each costs a look-up. */
export class ErrorKinds {
  readonly #known = new Map<string, ErrorKind>();

  kindOf(error: unknown): ErrorKind {
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    const key = typeof code === "string" ? code : String(message);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const classified = classifyError(error);
    const found = classified.code;
    const kind: ErrorKind = {
      class: classified.class,
      // A code of somebody else's making could be anything: only what looks like one becomes a label.
      type: found !== undefined && /^[A-Z0-9_]{2,40}$/.test(found) ? found : classified.class,
      sqlstate: found !== undefined && /^[0-9A-Z]{5}$/.test(found) && /\d/.test(found) ? found : undefined,
      failure: !NO_FAILURE.has(classified.class),
    };
    if (this.#known.size >= KINDS_MAX) this.#known.clear();
    if (key.length <= KEY_CHARS_MAX) this.#known.set(key, kind);
    return kind;
  }
}
