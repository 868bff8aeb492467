import type { Client } from "pg";
import type { Pool } from "../pool";
import { SessionError, notPrimary } from "./errors";
import { judgePrimary, readServerFacts } from "./server-identity";
import type { Epoch, ServerFacts } from "./server-identity";

/** Start times of former primaries that are remembered. */
const FORMER_MAX = 16;

/** Told when the primary is another server process than before. */
export interface PrimaryChange {
  readonly from: Epoch | undefined;
  readonly to: Epoch;
}

/**
 * Sees that a pool writes to one server only. Each new connection is asked who it leads to, before it is lent; when another server takes over, all
 * connections to the one before are destroyed first. See docs/manager/sessions.md for what this proves and what not.
 */
export class PrimaryGuard {
  #epoch: Epoch | undefined;
  #former: string[] = [];
  #pool: Pool | undefined;
  readonly #facts = new WeakMap<Client, ServerFacts>();

  constructor(private readonly onChange: (change: PrimaryChange) => void) {}

  /** The server that is written to; undefined before the first connection. */
  get epoch(): Epoch | undefined {
    return this.#epoch;
  }

  /** Whose connections are destroyed when the primary changes. */
  guard(pool: Pool): void {
    this.#pool = pool;
  }

  /** What the server said when the connection was opened. */
  factsOf(client: Client): ServerFacts | undefined {
    return this.#facts.get(client);
  }

  /**
   * The pool's `validateConnection`: for a new connection the whole examination, for one that was idle only whether it still leads to a primary.
   * @throws SessionError PRIMARY_IN_RECOVERY, PRIMARY_STALE, PRIMARY_OTHER_CLUSTER, PRIMARY_SPLIT
   */
  readonly validate = async (client: Client): Promise<void> => {
    const known = this.#facts.get(client);
    if (known !== undefined && known.startedAt === this.#epoch?.startedAt) {
      if (await isInRecovery(client)) throw this.#refusal("PRIMARY_IN_RECOVERY", "it is a standby");
      return;
    }
    const facts = await readServerFacts(client);
    const verdict = judgePrimary(this.#epoch, this.#former, facts);
    if (verdict.verdict === "refused") throw this.#refusal(verdict.code, verdict.reason);
    this.#facts.set(client, facts);
    if (verdict.verdict === "same") return;
    const from = this.#epoch;
    this.#epoch = verdict.epoch;
    if (from !== undefined) {
      this.#former = [...this.#former, from.startedAt].slice(-FORMER_MAX);
      this.#destroy((other) => other !== client && this.#facts.get(other)?.startedAt !== verdict.epoch.startedAt, "another server is the primary now");
    }
    this.onChange({ from, to: verdict.epoch });
  };

  /**
   * A write was refused as read-only: if the connection leads to a standby, every connection to that server is destroyed.
   * @returns whether it does
   */
  async foundReadOnly(client: Client): Promise<boolean> {
    if (!(await isInRecovery(client))) return false;
    const stale = this.#facts.get(client)?.startedAt;
    this.#destroy((other) => this.#facts.get(other)?.startedAt === stale, "its server is not the primary any more");
    return true;
  }

  #destroy(which: (client: Client) => boolean, reason: string): void {
    // One whose facts are not known is still being set up: it is judged when it has said where it leads.
    this.#pool?.destroy((client) => this.#facts.has(client) && which(client), () => new SessionError("PRIMARY_CHANGED", `The connection was closed: ${reason}.`));
  }

  #refusal(code: "PRIMARY_IN_RECOVERY" | "PRIMARY_STALE" | "PRIMARY_OTHER_CLUSTER" | "PRIMARY_SPLIT", reason: string): SessionError {
    const message = `The server at the primary's address was refused: ${reason}.`;
    if (code === "PRIMARY_IN_RECOVERY" || code === "PRIMARY_STALE") return notPrimary(code, message, "Wait for the failover to end, or mend the address (DNS, DATABASE_URL).");
    return new SessionError(code, message, "See which server is right and stop the other; then call reinitialize(), or restart the service.");
  }
}

async function isInRecovery(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ recovery: boolean }>("SELECT pg_is_in_recovery() AS recovery");
  return rows[0]?.recovery === true;
}
