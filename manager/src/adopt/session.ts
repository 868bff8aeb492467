import type { Client } from "pg";

import { BulkheadError } from "../errors/bulkhead-error";
import { closeSession } from "../postgres/connect";

/** Opens a session of a superuser; the callee closes it. `user`: its name as the server has it now. */
export type OpenSuperuserSession = (database: string, user: string) => Promise<Client>;

/** How long a statement waits for somebody's lock. Nobody else is expected on the server. Unit: milliseconds. */
const LOCK_TIMEOUT_MS = 10_000;

/** `server_version_num` of the first version that can switch event triggers off. */
const EVENT_TRIGGERS_SWITCH = 170_000;

/**
 * Runs `use` in a session in which names are printed with their schemas, nothing of the role's own settings is in the way, and no trigger of
 * anybody's goes off: one that refuses or logs DDL must not see what is done here.
 *
 * @throws BulkheadError `ADOPT_NO_SUPERUSER`
 */
export async function withSuperuserSession<T>(open: () => Promise<Client>, use: (client: Client) => Promise<T>, { readOnly = false } = {}): Promise<T> {
  const client = await open();
  try {
    const { rows } = await client.query<{ name: string; superuser: boolean; version: number }>("SELECT session_user AS name, current_setting('is_superuser')::boolean AS superuser, current_setting('server_version_num')::int AS version");
    const { name, superuser, version } = rows[0]!;
    if (!superuser) throw new BulkheadError("ADOPT_NO_SUPERUSER", `${name} is no superuser of this server; nothing was changed`, { hint: "name the one that made the data (what POSTGRES_USER was): npx bulkhead adopt --superuser <name>" });
    await client.query(
      `SET search_path = ''; SET default_transaction_read_only = ${readOnly ? "on" : "off"}; SET lock_timeout = ${LOCK_TIMEOUT_MS}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;` +
        ` SET standard_conforming_strings = on; SET quote_all_identifiers = off; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET session_replication_role = 'replica'`,
    );
    if (version >= EVENT_TRIGGERS_SWITCH) await client.query("SET event_triggers = off");
    return await use(client);
  } finally {
    await closeSession(client);
  }
}
