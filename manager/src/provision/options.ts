import type { Client } from "pg";

import type { Endpoint, SecretStore } from "../secrets/secret";

/** What provisioning needs of the tier that it works on. */
export interface ProvisionOptions {
  /** Opens a session of the tier's admin in a database; the callee closes it. Never through a pooler: advisory locks and SET ROLE are the session's. */
  readonly openSession: (database: string) => Promise<Client>;
  /** Where the logins' secrets are kept. */
  readonly secrets: SecretStore;
  /** What the secrets say about the server. */
  readonly endpoint: Endpoint;
  /** Only these services of the plan. Default: all. */
  readonly services?: readonly string[];
  /** Log in with every secret, to find passwords that were changed by hand. Costs a session a login. Default: true. */
  readonly probe?: boolean;
  /** A line for a person, as things happen. Default: nobody listens. */
  readonly progress?: (line: string) => void;
  /** Stops between two steps; what was finished stays, and the next run goes on from there. */
  readonly signal?: AbortSignal;
}
