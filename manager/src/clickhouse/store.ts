import { setTimeout as delay } from "node:timers/promises";

import { BulkheadError } from "../errors/bulkhead-error";
import { generatePassword, isGeneratedPassword } from "../secrets/secret";
import type { Store, StoreAbsence, StoreSecretStore } from "../stores/store";
import type { StoreEndpoint, StoreSecret } from "../stores/store-secret";
import { clickHouseDialect } from "./dialect";
import { DEVELOPER_LIMITS } from "./limits";
import type { ClickHouseLimits } from "./limits";
import { clickHouseUser } from "./names";
import { quoteIdentifier, quoteText } from "./quoting";
import { ClickHouseException, clickHouseRequest } from "./request";
import { clickHouseSecret, hashPassword } from "./secret";
import { serverVersion } from "./server-version";
import { MARK_SETTING, renderUsers, usersMark } from "./users";
import { USERS_FILE, usersFolder } from "./users-folder";
import { validateClickHouse } from "./validate";

export interface ClickHouseStoreOptions {
  /** Services that ask for ClickHouse, in the catalog's order. */
  readonly services: readonly string[];
  /** The server, as this process reaches it and as its certificate names it. */
  readonly endpoint: StoreEndpoint;
  /** The server's `users.d`, or the folder that is mounted there. The server must be able to read it. */
  readonly usersDirectory: string;
  /** Where the services' logins are kept. */
  readonly secrets: StoreSecretStore;
  /** Addresses and networks that users may come from, e.g. `127.0.0.1` or `172.16.0.0/12`. */
  readonly networks: readonly string[];
  /** Default: those of a developer's machine. */
  readonly limits?: ClickHouseLimits;
  /** Default null: it runs. */
  readonly absence?: StoreAbsence | null;
  /** For how long the server may take to read its changed files; it looks every two seconds. Default 30,000. */
  readonly reloadTimeoutMs?: number;
}

const RELOAD_TIMEOUT_MS = 30_000;
/** A server that has not read a file by then, more than twice the time between its looks, takes it for the one it knows. */
const MISSED_MS = 5_000;
/** Between two looks at whether the server has read its files. */
const POLL_MS = 200;

const USERS_WRITTEN = `wrote ClickHouse's users to ${USERS_FILE}`;

/** A service that is set up, and with what. */
interface Compartment {
  readonly service: string;
  readonly secret: StoreSecret;
}

/**
 * Services in ClickHouse, each with a user, a database, limits and a quota of its own. The users are a file of the server's `users.d`, which the server reads again by itself; nobody is an administrator, so each
 * service's own login makes its database. What others put into that folder is named, and left there.
 */
export function clickHouseStore(options: ClickHouseStoreOptions): Store {
  const { services, endpoint, secrets, networks, limits = DEVELOPER_LIMITS, absence = null, reloadTimeoutMs = RELOAD_TIMEOUT_MS } = options;
  const folder = usersFolder(options.usersDirectory);

  /** The secrets that are right, and what is wrong with the others. */
  const readSecrets = async (): Promise<{ service: string; kept: StoreSecret | undefined; finding: string | undefined }[]> =>
    Promise.all(
      services.map(async (service) => {
        const found = await secrets.readStore(service, "clickhouse");
        if (found === undefined) return { service, kept: undefined, finding: `${service} has no secret for ClickHouse` };
        // A password that was put there by hand may be guessable.
        if (!isGeneratedPassword(found.password)) return { service, kept: undefined, finding: `the password of ${service} for ClickHouse is not a generated one` };
        const wanted = clickHouseSecret(endpoint, service, found.password);
        const others = (Object.keys(wanted) as (keyof StoreSecret)[]).filter((field) => found[field] !== wanted[field]);
        return { service, kept: wanted, finding: others.length === 0 ? undefined : `the secret of ${service} for ClickHouse has another ${others.join(", ")}` };
      }),
    );

  const render = (compartments: readonly Compartment[], version: string): string =>
    renderUsers(
      compartments.map(({ service, secret }) => ({ ...clickHouseUser(service), passwordSha256: hashPassword(secret.password) })),
      { dialect: clickHouseDialect(version), networks, limits },
    );

  const ask = async ({ secret }: Compartment, sql: string, signal?: AbortSignal): Promise<string> => (await clickHouseRequest(endpoint, { sql, login: secret, database: "system", signal })).text.trim();

  /** What keeps a service from working with the file that is there; undefined where nothing does. `makeDatabase` runs where only the database is missing. */
  const serverFinding = async (compartment: Compartment, mark: string | undefined, makeDatabase: (() => Promise<void>) | undefined, signal?: AbortSignal): Promise<string | undefined> => {
    const { service, secret } = compartment;
    try {
      const loaded = await ask(compartment, `SELECT value FROM system.settings WHERE name = ${quoteText(MARK_SETTING)}`, signal);
      if (loaded !== mark) return `ClickHouse does not work with ${USERS_FILE} as it is`;
      if ((await ask(compartment, `SELECT count() FROM system.databases WHERE name = ${quoteText(secret.scope)}`, signal)) === "1") return undefined;
      if (makeDatabase === undefined) return `${service} has no database in ClickHouse`;
      await makeDatabase();
      return undefined;
    } catch (error) {
      if (error instanceof ClickHouseException) return `the login of ${service} to ClickHouse fails: ${error.message}`;
      throw error;
    }
  };

  /**
   * Makes secrets and file agree. Reads both anew each time: where two do this at once, both end with what is there then.
   *
   * @param rewrite writes the file also where it is right, so that the server sees a change
   */
  const writeFiles = async (version: string, done: Set<string>, rewrite: boolean): Promise<readonly Compartment[]> => {
    for (const { service, kept, finding } of await readSecrets()) {
      if (finding === undefined) continue;
      await secrets.writeStore(service, "clickhouse", kept ?? clickHouseSecret(endpoint, service, generatePassword()));
      done.add(`wrote the secret of ${service} for ClickHouse`);
    }
    const compartments = (await readSecrets()).flatMap(({ service, kept }) => (kept === undefined ? [] : [{ service, secret: kept }]));
    // Somebody else takes secrets away at this moment: nobody loses a login for it.
    if (compartments.length < services.length) return compartments;
    const text = render(compartments, version);
    if (rewrite || (await folder.readUsers()) !== text) {
      await folder.writeUsers(text);
      done.add(USERS_WRITTEN);
    }
    return compartments;
  };

  const makeDatabase = async (compartment: Compartment, done: Set<string>, signal: AbortSignal): Promise<void> => {
    // In `system`, since a session in a database that is not there yet is refused.
    await ask(compartment, `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(compartment.secret.scope)}`, signal);
    done.add(`made the database ${compartment.secret.scope} in ClickHouse`);
  };

  /** Writes, waits until the server works with what is written, and makes the databases. */
  const converge = async (version: string, done: Set<string>, signal: AbortSignal): Promise<void> => {
    const deadline = performance.now() + reloadTimeoutMs;
    // The first look is at what is there; a server that does not work with it has missed a change, and gets another one to see.
    let rewriteAt = Infinity;
    for (;;) {
      const isDue = performance.now() > rewriteAt;
      const compartments = await writeFiles(version, done, isDue);
      if (isDue || rewriteAt === Infinity) rewriteAt = performance.now() + (done.has(USERS_WRITTEN) ? MISSED_MS : 0);
      const mark = usersMark((await folder.readUsers()) ?? "");
      const findings = await Promise.all(compartments.map((compartment) => serverFinding(compartment, mark, () => makeDatabase(compartment, done, signal), signal)));
      const first = compartments.length < services.length ? "somebody else changes its secrets" : findings.find((finding) => finding !== undefined);
      if (first === undefined) return;
      if (performance.now() > deadline) throw await notReloaded(first);
      await delay(POLL_MS, undefined, { signal });
    }
  };

  const notReloaded = async (finding: string): Promise<BulkheadError> => {
    const foreign = await folder.foreignFiles();
    const others = foreign.length === 0 ? "" : ` Beside it there are ${foreign.join(", ")}, which are not Bulkhead's: one that is no XML keeps the server from reading any.`;
    return new BulkheadError("CLICKHOUSE_NOT_RELOADED", `ClickHouse has not taken over ${options.usersDirectory}/${USERS_FILE} within ${reloadTimeoutMs} ms: ${finding}.${others}`, { hint: "its log says why: npx bulkhead logs clickhouse" });
  };

  return {
    kind: "clickhouse",
    services,
    absence,

    async observe(signal) {
      const [read, text, token, foreign, version] = await Promise.all([readSecrets(), folder.readUsers(), folder.readToken(), folder.foreignFiles(), serverVersion(endpoint, signal)]);
      const compartments = read.flatMap(({ service, kept }) => (kept === undefined ? [] : [{ service, secret: kept }]));
      const findings = read.flatMap(({ finding }) => finding ?? []);
      if (compartments.length === services.length && text !== render(compartments, version)) findings.push(`${USERS_FILE}, ClickHouse's users, is ${text === undefined ? "not there" : "not as it was written"}`);
      if (findings.length === 0) {
        const mark = usersMark(text ?? "");
        const lives = await Promise.all(compartments.map((compartment) => serverFinding(compartment, mark, undefined, signal)));
        findings.push(...new Set(lives.flatMap((finding) => finding ?? [])));
      }
      if (token === null) findings.push("the setup of ClickHouse was not finished");
      // What others put there is theirs: no setup takes it away, so it asks for none.
      const named = foreign.map((name) => `${name} beside ClickHouse's users is not Bulkhead's, and what is in it holds`);
      return { token: findings.length === 0 ? token : null, findings: [...findings, ...named] };
    },

    async setUp(token, signal) {
      const done = new Set<string>();
      const version = await serverVersion(endpoint, signal);
      await converge(version, done, signal);
      if ((await folder.readToken()) !== token) await folder.writeToken(token);
      return [...done];
    },

    validate: async (signal) => validateClickHouse({ endpoint, limits, services, readSecret: (service) => secrets.readStore(service, "clickhouse"), signal }),
  };
}
