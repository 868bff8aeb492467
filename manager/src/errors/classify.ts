import type { ClassifiedError, Verdict } from "./classified-error";
import { clickHouseVerdict } from "./clickhouse-errors";
import { driverVerdict } from "./driver-errors";
import { libraryVerdict, libraryVerdictWithoutCause } from "./library-errors";
import { redact } from "./redact";
import { redisVerdict } from "./redis-errors";
import { COMMIT_UNKNOWN, UNKNOWN, VERDICT_BY_CLASS, VERDICT_BY_CODE, refineVerdict } from "./sqlstate-verdicts";
import { SQLSTATES } from "./sqlstates";

export interface ClassifyContext {
  /** What was under way: while connecting, in a query, or after COMMIT was sent. In `commit`, a lost connection means that the outcome is unknown. */
  readonly phase?: "connect" | "query" | "commit";
}

/** How far wrapped errors (`cause`, `errors`) are followed, and how many of an AggregateError are looked at. */
const DEPTH_MAX = 8;
const MEMBERS_MAX = 16;
const MESSAGE_CHARS_MAX = 1_000;

/** What of an error is looked at; every field read once, since getters may lie, throw, or change their mind. */
interface Facts {
  readonly code: string;
  readonly message: string;
  readonly name: string;
  readonly constraint: string;
}

interface Found {
  readonly verdict: Verdict;
  readonly facts: Facts;
}

/**
 * Says what anything that was thrown means. Total: takes any value, also none, and never throws itself. Wrapped errors (`cause`, the members of an
 * `AggregateError`) are followed where the outermost says nothing, and where a wait for a connection ended because none could be made.
 */
export function classifyError(thrown: unknown, context: ClassifyContext = {}): ClassifiedError {
  const { verdict: found, facts } = search(thrown, DEPTH_MAX) ?? { verdict: UNKNOWN, facts: factsOf(thrown) };
  const verdict = context.phase === "commit" && outcomeUnknown(found) ? COMMIT_UNKNOWN : found;
  return {
    ...verdict,
    retryable: verdict.retry !== "never",
    code: facts.code === "" ? undefined : facts.code,
    meaning: verdict.class === found.class && Object.hasOwn(SQLSTATES, facts.code) ? (SQLSTATES[facts.code] ?? verdict.kind) : verdict.kind.replaceAll("-", " "),
    message: redact(facts.message.slice(0, 4 * MESSAGE_CHARS_MAX)).slice(0, MESSAGE_CHARS_MAX),
  };
}

/**
 * An error that the server sends for COMMIT and after which the session lives means that the transaction was rolled back. Where the connection went away
 * instead, or nobody waited for the answer, nothing is known.
 */
function outcomeUnknown(verdict: Verdict): boolean {
  return !verdict.connectionUsable && ["connection", "timeout", "cancelled", "resource", "configuration", "internal"].includes(verdict.class);
}

function search(thrown: unknown, depth: number): Found | undefined {
  const facts = factsOf(thrown);
  const verdict = serverVerdict(facts) ?? clickHouseVerdict(facts) ?? redisVerdict(facts) ?? libraryVerdict(facts) ?? driverVerdict(facts);
  if (verdict !== undefined) return { verdict, facts };
  return (depth === 0 ? undefined : searchInside(thrown, depth - 1)) ?? fallback(facts);
}

function searchInside(thrown: unknown, depth: number): Found | undefined {
  const cause = read(thrown, "cause");
  return (cause === undefined ? undefined : search(cause, depth)) ?? searchMembers(read(thrown, "errors"), depth);
}

function fallback(facts: Facts): Found | undefined {
  const verdict = libraryVerdictWithoutCause(facts);
  return verdict === undefined ? undefined : { verdict, facts };
}

/** Of several errors the one that is not a lost connection tells more: a refused certificate at one address beside a dead network at the other. */
function searchMembers(errors: unknown, depth: number): Found | undefined {
  let first: Found | undefined;
  for (let index = 0; index < MEMBERS_MAX; index += 1) {
    const member = read(errors, index);
    if (member === undefined) break;
    const found = search(member, Math.min(depth, 2));
    if (found !== undefined && found.verdict.class !== "connection") return found;
    first ??= found;
  }
  return first;
}

function serverVerdict({ code, message, constraint }: Facts): Verdict | undefined {
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const group = code.slice(0, 2);
  const general = Object.hasOwn(VERDICT_BY_CODE, code) ? VERDICT_BY_CODE[code] : Object.hasOwn(VERDICT_BY_CLASS, group) ? VERDICT_BY_CLASS[group] : undefined;
  return general === undefined ? undefined : refineVerdict(code, { message, constraint }, general);
}

function factsOf(thrown: unknown): Facts {
  const text = (key: string): string => {
    const value = read(thrown, key);
    return typeof value === "string" ? value : "";
  };
  return {
    code: text("code").slice(0, 100),
    message: typeof thrown === "string" ? thrown : text("message"),
    name: text("name"),
    constraint: text("constraint"),
  };
}

/** A property of anything; undefined where there is none, or where reading it throws. */
function read(value: unknown, key: string | number): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    return (value as Record<string | number, unknown>)[key];
  } catch {
    return undefined;
  }
}
