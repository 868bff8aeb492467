import type { Connection } from "./connection";

/**
 * Ends what a borrower left on a connection: rolls an open or failed transaction back, and with `discard` drops everything of the session (SET,
 * advisory locks, LISTEN, temporary tables, prepared statements). Rejects where that fails; its time is bounded by the connection's deadline.
 */
export async function resetSession(connection: Connection, discard: boolean): Promise<void> {
  const { client, internals } = connection;
  if (connection.transactionStatus !== "I") await client.query("ROLLBACK");
  if (discard) {
    await client.query("DISCARD ALL");
    // The server has forgotten them; pg would go on using them by name.
    if (internals.connection !== undefined) {
      internals.connection.parsedStatements = {};
      internals.connection.submittedNamedStatements = {};
    }
  }
  if (connection.transactionStatus !== "I") throw new Error("the connection is still in a transaction after ROLLBACK");
}
