import type { HandmadeServer } from "./handmade";

/** What years of work by hand leave behind, in payment_db and around it. */
export async function makeHostile({ run }: HandmadeServer): Promise<void> {
  for (const sql of [
    "ALTER ROLE auth_user SUPERUSER CREATEDB",
    "ALTER ROLE payment_user CREATEROLE REPLICATION BYPASSRLS",
    'CREATE ROLE "Päyment ""Ops""" LOGIN PASSWORD \'x\'',
    "CREATE ROLE dba LOGIN SUPERUSER PASSWORD 'x'",
    "CREATE ROLE intern LOGIN",
    "GRANT postgres TO intern",
    "GRANT l2p_user TO payment_user WITH ADMIN OPTION",
    "GRANT payment_user TO auth_user",
    "GRANT pg_read_all_data, pg_write_all_data TO videovault_user",
    "CREATE DATABASE app OWNER l2p_user",
    "CREATE DATABASE notes OWNER intern",
    "ALTER DATABASE payment_db OWNER TO payment_user",
    "ALTER ROLE payment_user SET log_min_duration_statement = 0",
    "ALTER ROLE payment_user IN DATABASE payment_db SET work_mem = '64MB'",
    "ALTER DATABASE payment_db SET search_path = public, \"Odd Schema\"",
    "ALTER SYSTEM SET work_mem = '8MB'",
  ]) {
    await run("postgres", sql);
  }
  await run("payment_db", `
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text NOT NULL);
    INSERT INTO events (note) SELECT md5(n::text) FROM generate_series(1, 1000000) n;
    CREATE SCHEMA "Odd Schema";
    CREATE TABLE "Odd Schema"."Tàble ""of"" O'Brien" (id serial PRIMARY KEY, "Select" integer);
    ALTER TABLE "Odd Schema"."Tàble ""of"" O'Brien" OWNER TO "Päyment ""Ops""";
    INSERT INTO "Odd Schema"."Tàble ""of"" O'Brien" ("Select") VALUES (1), (2);
    GRANT ALL ON SCHEMA "Odd Schema" TO PUBLIC;
    CREATE TABLE parts (at date NOT NULL, n integer) PARTITION BY RANGE (at);
    CREATE TABLE parts_2024 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
    ALTER TABLE parts_2024 OWNER TO auth_user;
    INSERT INTO parts SELECT '2024-06-01'::date + n, n FROM generate_series(1, 1000) n;
    CREATE TABLE guarded (id integer, owner name DEFAULT current_user);
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_rows ON guarded TO payment_user USING (owner = current_user);
    INSERT INTO guarded VALUES (1), (2);
    CREATE SEQUENCE standalone;
    ALTER SEQUENCE standalone OWNER TO payment_user;
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TYPE pair AS (a integer, b integer);
    CREATE TYPE span AS RANGE (subtype = float8);
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    ALTER DOMAIN positive OWNER TO dba;
    CREATE VIEW notes AS SELECT note FROM events WHERE id < 10;
    CREATE MATERIALIZED VIEW note_count AS SELECT count(*) AS n FROM events;
    ALTER MATERIALIZED VIEW note_count OWNER TO l2p_user;
    CREATE FUNCTION all_users() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT rolname::text FROM pg_catalog.pg_roles';
    CREATE FUNCTION plus("odd arg" integer, VARIADIC rest integer[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE both_ways(INOUT a integer, OUT b text) LANGUAGE plpgsql AS 'BEGIN b := a::text; END';
    CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
    CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);
    CREATE COLLATION german (provider = icu, locale = 'de');
    CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
    CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = simple);
    CREATE STATISTICS pair_stats ON id, note FROM events;
    CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert');
    CREATE PUBLICATION some_tables FOR TABLE events;
    CREATE TABLE ddl_log (tag text);
    CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ddl_log VALUES (tg_tag); END';
    CREATE EVENT TRIGGER watch_ddl ON ddl_command_end EXECUTE FUNCTION log_ddl();
    ALTER EVENT TRIGGER watch_ddl OWNER TO dba;
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'localhost');
    ALTER SERVER elsewhere OWNER TO payment_user;
    GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO payment_user;
    CREATE FOREIGN TABLE far_away (id integer) SERVER elsewhere;
    SELECT lo_from_bytea(0, 'first'), lo_from_bytea(0, 'second');
    GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
    GRANT SELECT ON events TO l2p_user WITH GRANT OPTION;
    GRANT UPDATE (note) ON events TO auth_user;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO payment_user WITH GRANT OPTION;
    REVOKE ALL ON events FROM postgres;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES FOR ROLE payment_user IN SCHEMA public GRANT SELECT ON TABLES TO l2p_user, "Päyment ""Ops""";
    ALTER DEFAULT PRIVILEGES FOR ROLE dba GRANT EXECUTE ON FUNCTIONS TO auth_user`);
  // Handed on in the name of a third.
  await run("payment_db", "GRANT SELECT ON events TO videovault_user", "l2p_user");
  // A trusted extension belongs to whoever made it, who could drop it with all columns of its type.
  await run("payment_db", "CREATE EXTENSION hstore; CREATE TABLE bags (id integer, bag hstore); INSERT INTO bags VALUES (1, 'a=>1'); SELECT lo_from_bytea(0, 'own')", "payment_user");
  await run("postgres", "SELECT pg_create_physical_replication_slot('backup')");
}

/** Everything of a user's that must be as it was: rows, and the files that they are in. */
export async function dataOf(handmade: HandmadeServer, database: string): Promise<Record<string, unknown>> {
  const run = (at: string, sql: string): Promise<Record<string, unknown>[]> => handmade.run(at, `SET search_path = ''; ${sql}`);
  const files = await run(database, `SELECT c.oid::regclass::text AS name, c.relfilenode, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'i', 'S', 't') AND c.oid >= 16384 AND n.nspname NOT IN ('extensions', 'migrations') AND n.nspname !~ '^pg_temp' AND (n.nspname <> 'pg_toast' OR c.relname !~ (SELECT coalesce((SELECT to_regclass('migrations.history')::oid::text), 'none'))) ORDER BY c.oid`);
  const tables = await run(database, `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('migrations', 'extensions') ORDER BY 1`);
  const rows: Record<string, unknown> = {};
  for (const { name } of tables) rows[String(name)] = await run(database, `SELECT count(*), sum(hashtextextended(t::text, 0)) AS checksum FROM ${String(name)} t`);
  const large = await run(database, "SELECT loid, pageno, data FROM pg_largeobject ORDER BY 1, 2");
  return { files, rows, large };
}
