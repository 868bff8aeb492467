/** What an error says beside its message. */
export interface BulkheadErrorOptions {
  /** The command or change that mends it, as a person would type it. */
  readonly hint?: string;
  /** The error underneath, kept for logs and debuggers. */
  readonly cause?: unknown;
}

/**
 * An error that a person can act on: a stable `code` to search for, a message that says what failed, on what and why, and a `hint`
 * with what to do next. Messages and hints never hold a secret; text that comes from outside goes through `redact()` first.
 */
export class BulkheadError extends Error {
  /** Stable identifier in SCREAMING_SNAKE_CASE, e.g. `SERVER_PORT_TAKEN`. */
  readonly code: string;
  /** The command or change that mends it, where one is known. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: BulkheadErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** How many members of an AggregateError are put into a message, and how deep they may be nested. */
const MEMBERS_MAX = 8;
const DEPTH_MAX = 4;

/** The message of anything that was thrown, also of what is no `Error`. Never throws, whatever the value's getters and `toString` do. */
export function messageOf(thrown: unknown): string {
  try {
    return messageWithin(thrown, DEPTH_MAX);
  } catch {
    return `a thrown ${typeof thrown} that cannot be read`;
  }
}

function messageWithin(thrown: unknown, depth: number): string {
  // By shape, not by `instanceof`: an error of another realm (a worker, a vm, a test runner) is one too.
  if (typeof thrown === "object" && thrown !== null && "message" in thrown && typeof thrown.message === "string") {
    const members: unknown = "errors" in thrown ? thrown.errors : undefined;
    if (thrown.message !== "" || !Array.isArray(members) || depth === 0) return thrown.message;
    return members.slice(0, MEMBERS_MAX).map((member) => messageWithin(member, depth - 1)).join("; ");
  }
  return String(thrown);
}
