import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client } from "pg";
import type { ClientConfig } from "pg";

import { postgresqlConf, pgHbaConf } from "../../../components/local/server/config";
import { newPassword } from "../../../components/local/server/admin-secret";
import { ensureTls, installTls } from "../../../components/local/server/tls";
import { serverPaths } from "../../../components/local/server/paths";
import { adminStatements, createTemplateStatement, templateStatements } from "../../../components/postgres/superuser-statements";
import { adopt, inspectAdoption } from "../../../manager/src/adopt";
import type { AdoptionPlan, AdoptionReport, AdoptOptions, SuperuserStatements } from "../../../manager/src/adopt";
import type { Catalog } from "../../../manager/src/catalog/catalog";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { planTier } from "../../../manager/src/plan/plan-tier";
import type { TierPlan } from "../../../manager/src/plan/plan";
import { clientConfig, openSession } from "../../../manager/src/postgres/connect";
import { fileSecretStore } from "../../../manager/src/secrets/file-store";
import { sessionOperations } from "../../../manager/src/setup/operations";
import type { ValidationReport } from "../../../manager/src/validate";
import { generatePassword } from "../../../manager/src/secrets/secret";
import { scramVerifier } from "../../../manager/src/postgres/scram";
import { startPlainServer } from "../../support/plain-server";
import type { PlainServer } from "../../support/plain-server";

export const ROOT = join(__dirname, "..", "..", "..");

/** The four services of the old Compose stack. */
export const CATALOG = defineServices({ auth: { port: 5500 }, l2p: { port: 3001 }, payment: { port: 3004, urlParameters: { schema: "public" } }, videovault: { port: 5100 } });

/** A server as a Compose file makes it, and adoptions of it. */
export interface HandmadeServer {
  readonly server: PlainServer;
  readonly plan: TierPlan;
  /** Runs SQL as a superuser, or as another role; answers with the rows of the last statement. */
  readonly run: (database: string, sql: string, user?: string) => Promise<Record<string, unknown>[]>;
  options(changes?: Partial<AdoptOptions>): Promise<AdoptOptions>;
  inspect(changes?: Partial<AdoptOptions>): Promise<AdoptionPlan>;
  adopt(changes?: Partial<AdoptOptions>, confirm?: (plan: AdoptionPlan) => Promise<void>): Promise<AdoptionReport>;
  /** Every row of every system catalog of every database, as one text a table. */
  catalogs(): Promise<Record<string, string>>;
  /**
   * Starts it again as the stack's own server is: TLS and SCRAM only, no superuser over the network. Then what `up` does: sets up every service, and validates.
   * Nothing else can be asked of the server after that.
   */
  setUpAndValidate(): Promise<{ report: ValidationReport; asApp: (service: string, sql: string) => Promise<Record<string, unknown>[]> }>;
  stop(): Promise<void>;
}

export async function startHandmadeServer(settings: readonly string[] = []): Promise<HandmadeServer> {
  // Vacuum writes into the catalogs by itself.
  const server = await startPlainServer({ settings: ["autovacuum = off", "shared_preload_libraries = 'pg_stat_statements'", "max_prepared_transactions = 5", "wal_level = logical", ...settings] });
  // Passwords cease in an adoption; the tests still have to look.
  const hba = join(server.data, "pg_hba.conf");
  writeFileSync(hba, `host all all 127.0.0.1/32 trust\n${readFileSync(hba, "utf8")}`);
  await server.run("SELECT pg_reload_conf()");
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-adopt-"));
  let superuser = "postgres";
  const config = (database: string, user: string): ClientConfig => ({ host: server.host, port: server.port, user, database, ssl: false });
  const run: HandmadeServer["run"] = async (database, sql, user = superuser) => {
    const client = new Client(config(database, user));
    await client.connect();
    try {
      const result = (await client.query(sql)) as unknown as { rows: Record<string, unknown>[] } | { rows: Record<string, unknown>[] }[];
      return (Array.isArray(result) ? result.at(-1)! : result).rows;
    } finally {
      await client.end();
    }
  };
  const plan = planOf(CATALOG);
  const options: HandmadeServer["options"] = async (changes = {}) => {
    if (changes.superuser !== undefined) superuser = changes.superuser;
    return {
      plan,
      catalog: CATALOG,
      root: ROOT,
      superuser,
      statements: await superuserStatements(),
      openSession: async (database, user) => {
        const client = new Client(config(database, user));
        client.on("error", () => {});
        await client.connect();
        return client;
      },
      ...changes,
    };
  };
  return {
    server,
    plan,
    run,
    options,
    inspect: async (changes) => inspectAdoption(await options(changes)),
    async adopt(changes, confirm) {
      const report = await adopt(await options(changes), confirm);
      superuser = report.after.superuserAfter;
      return report;
    },
    async catalogs() {
      const found: Record<string, string> = {};
      for (const { datname } of await run("postgres", "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1")) {
        const tables = await run(String(datname), "SELECT relname, format('SELECT coalesce(string_agg(t::text, E''\\n'' ORDER BY t::text), '''') AS text FROM pg_catalog.%I t', relname) AS query FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' ORDER BY 1");
        for (const { relname, query } of tables) found[`${String(datname)}: ${String(relname)}`] = String((await run(String(datname), String(query)))[0]!["text"]);
      }
      return found;
    },
    async setUpAndValidate() {
      const { port, password } = { port: server.port, password: newPassword() };
      for (const statement of adminStatements(await scramVerifier(password), 17)) await run("postgres", statement);
      const owner = statSync(server.data);
      const tls = await ensureTls(serverPaths(folder), undefined, () => {});
      await server.kill("SIGINT");
      installTls(server.data, tls, { uid: owner.uid, gid: owner.gid });
      writeFileSync(join(server.data, "postgresql.conf"), postgresqlConf({ port, maxConnections: 80, durability: "off", version: "17" }));
      writeFileSync(hba, pgHbaConf());
      await server.start();
      const admin = { host: "localhost", port, username: plan.tier.admin, password, ca: tls.ca };
      const access = {
        endpoint: { host: "localhost", port, ca: tls.ca, caPath: serverPaths(folder).ca },
        secrets: fileSecretStore(join(folder, "secrets")),
        openSession: (database: string) => openSession(clientConfig({ ...admin, dbname: database }, "bulkhead test")),
      };
      const operations = sessionOperations({ ...access, stores: [] });
      const context = { catalog: CATALOG, plan, root: ROOT };
      for (const { service } of plan.compartments) await operations.setUp({ ...context, service, token: "test" });
      return {
        report: await operations.validate(context),
        async asApp(service, sql) {
          const client = await openSession(clientConfig((await access.secrets.read({ service, login: "app" }))!, "bulkhead test"));
          try {
            return (await client.query<Record<string, unknown>>(sql)).rows;
          } finally {
            await client.end();
          }
        },
      };
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function planOf(catalog: Catalog): TierPlan {
  return planTier(catalog, { admin: "bulkhead_admin", template: "bulkhead_template", maxConnections: 1000, reservedConnections: 10 });
}

async function superuserStatements(): Promise<SuperuserStatements> {
  return { admin: adminStatements(await scramVerifier(generatePassword()), 17), createTemplate: createTemplateStatement(), template: templateStatements() };
}

/** The first migration of a service of this repository. */
export function schemaOf(service: string): string {
  return readFileSync(join(ROOT, "schemas", service, "001_initial_schema.sql"), "utf8");
}

/**
 * What teams have in their `init.sql`: a database and a login a service. auth's tables were made by the superuser, l2p's by its login, payment's by
 * both; videovault's table is none of ours.
 */
export async function makeComposeDatabases({ run }: Pick<HandmadeServer, "run">): Promise<void> {
  for (const service of ["auth", "l2p", "payment", "videovault"]) {
    await run("postgres", `CREATE ROLE ${service}_user LOGIN PASSWORD 'changeme'`);
    await run("postgres", `CREATE DATABASE ${service}_db`);
    await run("postgres", `GRANT ALL PRIVILEGES ON DATABASE ${service}_db TO ${service}_user`);
    await run(`${service}_db`, `GRANT ALL ON SCHEMA public TO ${service}_user`);
  }
  await run("auth_db", `${schemaOf("auth")}; GRANT ALL ON ALL TABLES IN SCHEMA public TO auth_user; INSERT INTO users (email, username) SELECT 'user' || n || '@example.com', 'user' || n FROM generate_series(1, 1000) n`);
  await run("l2p_db", `${schemaOf("l2p")}; INSERT INTO users (username, email, password_hash) SELECT 'player' || n, 'player' || n || '@example.com', 'x' FROM generate_series(1, 1000) n`, "l2p_user");
  await run("payment_db", schemaOf("payment"), "payment_user");
  await run("payment_db", "CREATE TABLE audit (id bigserial PRIMARY KEY, note text); GRANT SELECT, INSERT ON audit TO payment_user; GRANT USAGE ON SEQUENCE audit_id_seq TO payment_user; INSERT INTO audit (note) VALUES ('first')");
}
