import type { Client } from "pg";

import { adopt } from "../../../manager/src/adopt";
import type { AdoptOptions } from "../../../manager/src/adopt";
import { SCRATCH_DATABASE } from "../../../manager/src/adopt/scratch-database";
import { makeComposeDatabases, startHandmadeServer } from "./handmade";
import type { HandmadeServer } from "./handmade";

let handmade: HandmadeServer;

beforeEach(async () => {
  handmade = await startHandmadeServer();
});

afterEach(() => handmade.stop());

const historyOf = (database: string): Promise<Record<string, unknown>[]> => handmade.run(database, "SELECT version, name, state FROM migrations.history ORDER BY version");
const stateOf = ({ services }: { services: readonly { service: string; state: string }[] }): Record<string, string> => Object.fromEntries(services.map(({ service, state }) => [service, state]));

test("a plan names owners, grants, passwords and migrations, and making it changes no row of any catalog", async () => {
  await makeComposeDatabases(handmade);
  const before = await handmade.catalogs();
  const plan = await handmade.inspect();
  expect(await handmade.catalogs()).toEqual(before);
  const of = (service: string, topic: string): string => plan.steps.filter((step) => step.service === service && step.topic === topic).map(({ what }) => what).join("\n");
  expect(of("auth", "ownership")).toContain("3 of kind TABLE of postgres: public.oauth_accounts, public.sessions, public.users; auth_owner gets them");
  expect(of("l2p", "ownership")).toContain("of kind TABLE of l2p_user: ");
  expect(of("payment", "privileges")).toContain("on table public.audit payment_user has INSERT, SELECT");
  expect(of("tier", "passwords")).toContain("the password of the superuser postgres ceases");
  expect(of("l2p", "schema")).toContain("what 001_initial_schema makes is there");
  expect(plan.notes.join("\n")).toContain("the password of auth_user ceases with the next up");
  expect(stateOf(plan)).toEqual({ auth: "to adopt", l2p: "to adopt", payment: "to adopt", videovault: "to adopt" });
});

test("a run that is killed anywhere is finished by the next ones, and then there is nothing left to do", async () => {
  await makeComposeDatabases(handmade);
  let runs = 0;
  // Each run comes a little further before all of its connections are cut.
  for (let queries = 20; ; queries += 25) {
    runs++;
    const ended = await adopt(await cutAfter(queries)).then(
      () => true,
      () => false,
    );
    if (ended) break;
  }
  expect(runs).toBeGreaterThan(4);
  const again = await handmade.adopt({}, () => Promise.reject(new Error("there is nothing to confirm")));
  expect(again.done.steps).toEqual([]);
  expect(stateOf(again.after)).toEqual({ auth: "adopted", l2p: "adopted", payment: "adopted", videovault: "adopted" });
  expect(await historyOf("auth_db")).toEqual([{ version: "1", name: "initial_schema", state: "applied" }]);
  expect(await handmade.run("postgres", "SELECT datname FROM pg_database WHERE datname = '" + SCRATCH_DATABASE + "'")).toEqual([]);
  expect(await handmade.run("auth_db", "SELECT count(*) FROM users")).toEqual([{ count: "1000" }]);
});

/** Options under which all connections break at that query, as when the process is killed. */
async function cutAfter(queries: number): Promise<AdoptOptions> {
  const options = await handmade.options();
  const open: Client[] = [];
  let left = queries;
  return {
    ...options,
    async openSession(database, user) {
      const client = await options.openSession(database, user);
      open.push(client);
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      client.query = ((...args: unknown[]) => {
        if (--left <= 0) for (const each of open) (each as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
        return query(...args);
      }) as typeof client.query;
      return client;
    },
  };
}

test("of two at once, one does it and the other finds it done", async () => {
  await makeComposeDatabases(handmade);
  const reports = await Promise.all([handmade.adopt(), handmade.adopt()]);
  expect(reports.map(({ done }) => done.steps.length > 0).sort()).toEqual([false, true]);
  expect(reports.map(({ after }) => after.steps)).toEqual([[], []]);
});

test("nothing is done where the confirmation is refused", async () => {
  await makeComposeDatabases(handmade);
  const before = await handmade.catalogs();
  await expect(handmade.adopt({}, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await handmade.catalogs()).toEqual(before);
});

test("a service whose schema is as after no migration is left out, untouched, until somebody vouches for it", async () => {
  await makeComposeDatabases(handmade);
  await handmade.run("videovault_db", "CREATE TABLE videos (id serial PRIMARY KEY, path text); INSERT INTO videos (path) VALUES ('a')", "videovault_user");
  const first = await handmade.adopt();
  expect(stateOf(first.after)).toEqual({ auth: "adopted", l2p: "adopted", payment: "adopted", videovault: "left out" });
  expect(first.after.problems).toHaveLength(1);
  expect(first.after.problems[0]!.problem).toContain("column public.videos.id is integer not null default nextval('public.videos_id_seq'::regclass), not uuid not null default gen_random_uuid()");
  expect(first.after.problems[0]!.hint).toContain("npx bulkhead adopt --baseline videovault=1");
  expect(await handmade.run("videovault_db", "SELECT pg_get_userbyid(datdba) AS owner, tableowner FROM pg_database, pg_tables WHERE datname = current_database() AND tablename = 'videos'")).toEqual([{ owner: "postgres", tableowner: "videovault_user" }]);

  const unknown = await handmade.adopt({ vouched: new Map([["videovault", 7]]) });
  expect(unknown.after.problems[0]!.problem).toContain("there is no migration 7 of it; there is: 1");
  const second = await handmade.adopt({ vouched: new Map([["videovault", 1]]) });
  expect(stateOf(second.after)["videovault"]).toBe("adopted");
  expect(await historyOf("videovault_db")).toEqual([{ version: "1", name: "initial_schema", state: "applied" }]);
});

test("the superuser gives up a name that a service's login must have", async () => {
  // The official image with POSTGRES_USER=auth_user makes no role postgres.
  await handmade.run("postgres", "CREATE ROLE stand_in SUPERUSER LOGIN");
  await handmade.run("postgres", "ALTER ROLE postgres RENAME TO auth_user", "stand_in");
  await handmade.run("postgres", "DROP ROLE stand_in; CREATE ROLE auth_user_before", "auth_user");
  const options = await handmade.options({ superuser: "auth_user" });
  await handmade.run("postgres", "CREATE DATABASE auth_db");
  await handmade.run("auth_db", "CREATE TABLE notes (id integer)");
  const report = await handmade.adopt({ superuser: "auth_user", vouched: new Map([["auth", 1]]) });
  expect(report.done.steps[0]!.what).toContain("it is renamed to postgres");
  expect(report.after).toMatchObject({ superuser: "postgres", steps: [] });
  expect(stateOf(report.after)).toMatchObject({ auth: "adopted", l2p: "absent" });
  expect(await handmade.run("postgres", "SELECT rolname, rolsuper FROM pg_roles WHERE oid = 10 OR rolname IN ('auth_user', 'bulkhead_adopt')")).toEqual([{ rolname: "postgres", rolsuper: true }]);
  await expect(options.openSession("postgres", "auth_user")).rejects.toThrow(/does not exist/);
});

test("what would keep the server from starting, or is not there, is refused before anything is changed", async () => {
  await expect(handmade.adopt()).rejects.toMatchObject({ code: "ADOPT_BLOCKED", message: expect.stringContaining("none of the databases of services.ts is there; there is: none") as string });
  await handmade.run("postgres", "CREATE DATABASE auth_db");
  await handmade.run("auth_db", "CREATE TABLE t (id integer); BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'it''s open'");
  await expect(handmade.adopt()).rejects.toMatchObject({ code: "ADOPT_BLOCKED", hint: expect.stringContaining("COMMIT PREPARED 'it''s open'") as string });
  await handmade.run("auth_db", "ROLLBACK PREPARED 'it''s open'");
  await handmade.run("auth_db", "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')");
  const before = await handmade.catalogs();
  await expect(handmade.adopt()).rejects.toMatchObject({ code: "ADOPT_BLOCKED", hint: expect.stringContaining("pg_drop_replication_slot('feed')") as string });
  await handmade.run("postgres", "CREATE ROLE nobody LOGIN");
  const options = await handmade.options();
  await expect(adopt({ ...options, superuser: "nobody" })).rejects.toMatchObject({ code: "ADOPT_NO_SUPERUSER" });
  await handmade.run("postgres", "DROP ROLE nobody");
  expect(await handmade.catalogs()).toEqual(before);
});

test("names of Bulkhead's own are not taken over, and the service is left out", async () => {
  await makeComposeDatabases(handmade);
  await handmade.run("auth_db", "CREATE SCHEMA migrations; CREATE TABLE migrations.history (id integer)");
  await handmade.run("l2p_db", "CREATE SCHEMA extensions; CREATE TABLE extensions.things (id integer)");
  await handmade.run("payment_db", "CREATE SCHEMA bulkhead; CREATE TABLE bulkhead.things (id integer)");
  const { after } = await handmade.adopt();
  expect(stateOf(after)).toEqual({ auth: "left out", l2p: "left out", payment: "left out", videovault: "adopted" });
  expect(after.problems.map(({ hint }) => hint)).toEqual(["ALTER TABLE migrations.history RENAME TO another_name", "move it where the service finds it: ALTER TABLE extensions.things SET SCHEMA public", "ALTER SCHEMA bulkhead RENAME TO another_name"]);
});
