import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { passwordWorks } from "../../../manager/src/postgres/password-works";
import { generatePassword, makeSecret } from "../../../manager/src/secrets/secret";
import type { DatabaseSecret, Endpoint } from "../../../manager/src/secrets/secret";
import type { GoogleClients } from "../google/clients";
import { listUsers, setUser } from "../google/sql-admin";
import { namesOf } from "../labels";
import { readStoredSecret, writeStoredSecret } from "../secrets/secret-store";
import { pause } from "../google/pause";

/** The login that provisions, as on the laptop. Made through Google's API, so a member of cloudsqlsuperuser: CREATEROLE and CREATEDB, no superuser. */
export const GCP_ADMIN = "bulkhead_admin";
const ADMIN_DATABASE = "postgres";

/** Rounds of reading, setting and trying; more are needed only while somebody else sets it too. */
const ROUNDS_MAX = 6;
const WAIT_MS = 500;

export interface AdminLoginOptions {
  readonly clients: GoogleClients;
  readonly stack: string;
  /** Name of the Cloud SQL instance. */
  readonly instance: string;
  readonly endpoint: Endpoint;
  /** Log in with the secret. Without it (the database cannot be reached from here) a user that exists is taken to have the secret's password. */
  readonly probe: boolean;
  /** Set the password although the user exists: it has turned out to be another. Default: false. */
  readonly repair?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sees to it that the admin exists and its secret logs in. The password is made here, is kept in Secret Manager only, and is written there
 * before the user gets it: a crash in between is mended by the next run. Of two runs at once both end with the latest version's password.
 *
 * @throws BulkheadError `ADMIN_LOGIN_FAILED`, `SECRET_…`, `GCP_…`
 */
export async function ensureAdminLogin({ clients, stack, instance, endpoint, probe, repair = false, signal }: AdminLoginOptions): Promise<DatabaseSecret> {
  const id = namesOf(stack).adminSecret;
  let set = false;
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    signal?.throwIfAborted();
    const stored = await readStoredSecret(clients, id, signal);
    const secret = makeSecret(endpoint, { dbname: ADMIN_DATABASE, username: GCP_ADMIN, password: stored?.password ?? complexPassword(), urlParameters: {} });
    if (stored === undefined || JSON.stringify({ ...stored, reach: undefined }) !== JSON.stringify({ ...secret, reach: undefined })) {
      await writeStoredSecret(clients, id, secret);
      // Read again: another run may have written too, and the latest version is what counts.
      continue;
    }
    if (probe ? await passwordWorks(secret, "bulkhead") : set || (!repair && (await listUsers(clients, instance, signal)).includes(GCP_ADMIN))) return secret;
    if (set) await pause(WAIT_MS * round * (0.5 + Math.random()), signal);
    await setUser(clients, instance, { name: GCP_ADMIN, password: secret.password }, signal);
    set = true;
  }
  throw new BulkheadError("ADMIN_LOGIN_FAILED", `the admin ${GCP_ADMIN} of ${instance} does not get in with its secret ${id}, although its password was set ${ROUNDS_MAX - 1} times`, { hint: "see whether somebody else sets it: gcloud sql operations list --instance=" + instance });
}

/** The instance's password policy, COMPLEXITY_DEFAULT, wants a lower-case letter, an upper-case one, a digit and one that is none of these. */
function complexPassword(): string {
  for (;;) {
    const password = generatePassword();
    // About two in three do.
    if ([/[a-z]/, /[A-Z]/, /[0-9]/, /[_-]/].every((kind) => kind.test(password))) return password;
  }
}
