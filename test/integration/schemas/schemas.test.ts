import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { migrate, migrationStatus, rollbackMigration } from "../../../manager/src/migrate";
import type { MigrateOptions } from "../../../manager/src/migrate";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { createCompartment, withClient } from "../migrate/compartment";
import type { Compartment } from "../migrate/compartment";

const SCHEMAS = resolve(__dirname, "../../../schemas");

/** Every table with its columns; `!` marks the columns that a unique key or the primary key is made of alone. */
const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  auth: {
    users: "id! email! password_hash username! email_verified created_at updated_at",
    sessions: "id! user_id refresh_token! expires_at created_at",
    oauth_accounts: "id! user_id provider provider_account_id access_token expires_at",
  },
  l2p: {
    users: "id! username! email! password_hash rating created_at",
    lobbies: "id! creator_id name max_players status settings created_at",
    lobby_players: "id! lobby_id user_id is_ready joined_at",
    games: "id! lobby_id status current_question started_at ended_at",
    game_participants: "id! game_id user_id score correct_answers",
    questions: "id! game_id question_text options correct_answer points order_index",
    answers: "id! participant_id question_id answer is_correct time_taken_ms submitted_at",
  },
  payment: {
    users: "id! email! name stripe_customer_id! created_at",
    orders: "id! user_id status total_amount currency created_at updated_at",
    order_items: "id! order_id product_name quantity unit_price total_price",
    payments: "id! order_id! stripe_payment_intent_id! status amount currency payment_method paid_at created_at",
    webhook_events: "id! stripe_event_id! event_type payload received_at processed_at",
  },
  videovault: {
    videos: "id! file_path! file_name file_size mime_type duration_seconds metadata hash created_at updated_at",
    tags: "id! video_id tag_name tag_category created_at",
    watch_history: "id! video_id position_seconds completed watched_at",
  },
  exploits: {
    sources: "id! name! url is_enabled check_count failure_count consecutive_failures last_checked_at last_success_at last_error created_at updated_at",
    exploits: "id! source_id external_id title description cve_id severity cvss_score tags url published_at created_at updated_at",
    users: "id! email! tier tier_expires_at is_active created_at updated_at",
    alert_preferences: "id! user_id! min_severity channels keywords is_enabled created_at",
    alerts_sent: "id! user_id exploit_id channel status attempts error created_at sent_at",
    community_submissions: "id! user_id exploit_id title description url status reviewed_at created_at updated_at",
    user_reputation: "id! user_id! points approved_submissions rejected_submissions updated_at",
    payments: "id! user_id provider_payment_id! tier status amount currency created_at paid_at",
    subscription_changes: "id! user_id old_tier new_tier reason changed_at",
  },
  apihub: {
    users: "id! email! name is_active created_at updated_at",
    apis: "id! owner_id name! base_url description status rate_limit_per_minute metadata created_at updated_at",
    tokens: "id! user_id api_id token_hash! scopes expires_at revoked_at last_used_at created_at",
    otps: "id! user_id purpose code_hash attempts expires_at consumed_at created_at",
  },
  accounts: {
    users: "id! email! password_hash display_name status email_verified created_at updated_at",
    sessions: "id! user_id user_agent ip_address created_at last_seen_at expires_at revoked_at",
    refresh_tokens: "id! session_id token_hash! replaced_by_id issued_at expires_at revoked_at revoked_reason",
    revoked_access_tokens: "id! jti! user_id revoked_at expires_at",
  },
  backend: {
    users: "id! account_id! display_name settings created_at updated_at",
    threads: "id! user_id title metadata archived_at created_at updated_at",
    runs: "id! thread_id status model error input_tokens output_tokens created_at started_at completed_at",
    messages: "id! thread_id run_id role content metadata created_at",
  },
};

let server: TestServer;
const compartments = new Map<string, Compartment>();

const of = (service: string): Compartment => compartments.get(service)!;
const options = (service: string): MigrateOptions => {
  const { owner, readers, migrator } = of(service);
  return { client: migrator(), service, owner, readers, directory: join(SCHEMAS, service) };
};

beforeAll(async () => {
  server = await startTestServer({ name: "schemas" });
  for (const service of Object.keys(TABLES)) {
    compartments.set(service, await createCompartment(server, service));
    await migrate(options(service));
  }
});

afterAll(async () => {
  await server?.stop();
});

test("there is a schema for each service that has a database, and no other", () => {
  expect(readdirSync(SCHEMAS).sort()).toEqual(Object.keys(TABLES).sort());
});

describe.each(Object.keys(TABLES))("the schema of %s", (service) => {
  test("has the tables, columns and unique keys that the service knows", async () => {
    const columns = await of(service).query<{ table: string; column: string; key: boolean }>(
      `SELECT c.relname AS table, a.attname AS column,
              EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u') AND k.conkey = ARRAY[a.attnum]) AS key
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY c.relname, a.attnum`,
    );
    const found: Record<string, string[]> = {};
    for (const { table, column, key } of columns) (found[table] ??= []).push(column + (key ? "!" : ""));
    expect(Object.fromEntries(Object.entries(found).map(([table, names]) => [table, names.join(" ")]))).toEqual(TABLES[service]);
  });

  test("gives every id a uuid that the server makes", async () => {
    const rows = await of(service).query<{ type: string; made: string }>(
      "SELECT data_type AS type, column_default AS made FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'id' AND table_name NOT LIKE 'v\\_%'",
    );
    expect(rows).toHaveLength(Object.keys(TABLES[service]!).length);
    for (const row of rows) expect(row).toEqual({ type: "uuid", made: "gen_random_uuid()" });
  });

  test("has an index that begins with the columns of every foreign key", async () => {
    expect(
      await of(service).query(
        `SELECT k.conrelid::regclass::text AS table, k.conname AS constraint FROM pg_constraint k
          WHERE k.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
               AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)`,
      ),
    ).toEqual([]);
  });

  test("stores times with their zone, JSON as jsonb, money as numeric", async () => {
    expect(
      await of(service).query("SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND data_type IN ('timestamp without time zone', 'json', 'real', 'double precision', 'money')"),
    ).toEqual([]);
  });

  test("keeps every updated_at by a trigger, in functions whose search_path is pinned", async () => {
    expect(
      await of(service).query(
        `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)`,
      ),
    ).toEqual([]);
    expect(await of(service).query("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND (proconfig IS NULL OR proconfig::text NOT LIKE '%search_path%')")).toEqual([]);
  });

  test("belongs to the owner, grants nothing and needs no extension", async () => {
    const sql = readdirSync(join(SCHEMAS, service)).map((name) => readFile(join(SCHEMAS, service, name), "utf8"));
    for (const text of await Promise.all(sql)) expect(text).not.toMatch(/\b(grant|revoke|create extension|security definer)\b/i);
    expect(await of(service).query(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner <> '${of(service).owner}'::regrole`)).toEqual([]);
    expect(await of(service).query("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'")).toEqual([]);
  });
});

test("l2p has its indexes by the names that queries were written for", async () => {
  const rows = await of("l2p").query<{ name: string }>("SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public'");
  expect(rows.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["idx_users_email", "idx_users_username", "idx_lobbies_status", "idx_lobbies_creator", "idx_games_lobby", "idx_games_status", "idx_answers_participant", "idx_answers_question"]),
  );
});

test("exploits has 9 tables, 4 views with the asker's rights, 16 indexes beside those of keys, and 5 triggers", async () => {
  const [counts] = await of("exploits").query(
    `SELECT (SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public') AS tables,
            (SELECT count(*)::int FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND reloptions @> '{security_invoker=true}') AS views,
            (SELECT count(*)::int FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisprimary AND NOT i.indisunique) AS indexes,
            (SELECT count(*)::int FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal) AS triggers`,
  );
  expect(counts).toEqual({ tables: 9, views: 4, indexes: 16, triggers: 5 });
});

test("the first migration of exploits may be run twice", async () => {
  const sql = await readFile(join(SCHEMAS, "exploits", "001_initial_schema.sql"), "utf8");
  const facts = "SELECT (SELECT count(*) FROM pg_class) AS classes, (SELECT count(*) FROM pg_trigger) AS triggers, (SELECT count(*) FROM pg_constraint) AS constraints, (SELECT count(*) FROM pg_proc) AS functions";
  await of("exploits").query("INSERT INTO sources (name, url) VALUES ('kept', 'https://example.org')");
  const before = await of("exploits").query(facts);
  await of("exploits").query(sql);
  expect(await of("exploits").query(facts)).toEqual(before);
  expect(await of("exploits").query("DELETE FROM sources RETURNING name")).toEqual([{ name: "kept" }]);
});

test("exploits' views and derived columns work for app and readonly login", async () => {
  await withClient(of("exploits").login("exploits_user"), async (client) => {
    const insert = async (sql: string): Promise<string> => (await client.query<{ id: string }>(`${sql} RETURNING id`)).rows[0]!.id;
    const source = await insert("INSERT INTO sources (name, url, check_count, failure_count) VALUES ('feed', 'https://example.org', 4, 1)");
    await insert(`INSERT INTO exploits (source_id, external_id, title, severity, published_at) VALUES ('${source}', 'x-1', 'Overflow', 'critical', now())`);
    const user = await insert("INSERT INTO users (email, tier) VALUES ('a@example.org', 'pro')");
    const submission = await insert(`INSERT INTO community_submissions (user_id, title) VALUES ('${user}', 'A find')`);
    const { rows } = await client.query<{ moved: boolean; reviewed: boolean }>(
      `UPDATE community_submissions SET status = 'approved' WHERE id = '${submission}' RETURNING updated_at > created_at AS moved, reviewed_at IS NOT NULL AS reviewed`,
    );
    expect(rows).toEqual([{ moved: true, reviewed: true }]);
  });
  await withClient(of("exploits").login("exploits_readonly"), async (client) => {
    expect((await client.query("SELECT title, source_name FROM v_recent_exploits")).rows).toEqual([{ title: "Overflow", source_name: "feed" }]);
    expect((await client.query("SELECT new_exploits, new_critical_exploits, new_users FROM v_stats_24h")).rows).toEqual([{ new_exploits: "1", new_critical_exploits: "1", new_users: "1" }]);
    expect((await client.query("SELECT name, reliability_percent, exploit_count FROM v_source_health")).rows).toEqual([{ name: "feed", reliability_percent: "75.00", exploit_count: "1" }]);
    expect((await client.query("SELECT tier, user_count, active_count FROM v_user_stats")).rows).toEqual([{ tier: "pro", user_count: "1", active_count: "1" }]);
  });
});

test("a Stripe event that comes twice is stored once, and an order has one payment", async () => {
  await withClient(of("payment").login("payment_user"), async (client) => {
    const event = "INSERT INTO webhook_events (stripe_event_id, event_type, payload) VALUES ('evt_1', 'payment_intent.succeeded', '{}') ON CONFLICT (stripe_event_id) DO NOTHING";
    expect((await client.query(event)).rowCount).toBe(1);
    expect((await client.query(event)).rowCount).toBe(0);
    const { rows } = await client.query<{ id: string }>("WITH u AS (INSERT INTO users (email) VALUES ('b@example.org') RETURNING id) INSERT INTO orders (user_id, total_amount) SELECT id, 9.90 FROM u RETURNING id");
    const payment = `INSERT INTO payments (order_id, amount) VALUES ('${rows[0]!.id}', 9.90)`;
    await client.query(payment);
    await expect(client.query(payment)).rejects.toMatchObject({ code: "23505" });
    await expect(client.query(`INSERT INTO order_items (order_id, product_name, quantity, unit_price, total_price) VALUES ('${rows[0]!.id}', 'x', 3, 3.30, 9.80)`)).rejects.toMatchObject({
      constraint: "order_items_total_price_check",
    });
  });
});

test("a session of accounts has one living refresh token", async () => {
  await withClient(of("accounts").login("accounts_user"), async (client) => {
    const { rows } = await client.query<{ id: string }>(
      "WITH u AS (INSERT INTO users (email) VALUES ('c@example.org') RETURNING id) INSERT INTO sessions (user_id, expires_at) SELECT id, now() + interval '1 day' FROM u RETURNING id",
    );
    const token = (digit: string): string => `INSERT INTO refresh_tokens (session_id, token_hash, expires_at) VALUES ('${rows[0]!.id}', repeat('${digit}', 64), now() + interval '1 day')`;
    await client.query(token("a"));
    await expect(client.query(token("b"))).rejects.toMatchObject({ constraint: "idx_refresh_tokens_live" });
    await client.query("UPDATE refresh_tokens SET revoked_at = now(), revoked_reason = 'rotated'");
    await client.query(token("b"));
  });
});

test.each(Object.keys(TABLES))("rolling back %s leaves an empty schema, and it comes up again", async (service) => {
  await rollbackMigration({ ...options(service), to: 0 });
  expect(
    await of(service).query(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
       UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
       UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace`,
    ),
  ).toEqual([]);
  await migrate(options(service));
  expect(await migrationStatus(options(service))).toMatchObject({ ok: true, schemaVersion: 1 });
});
