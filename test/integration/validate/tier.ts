import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Catalog } from "../../../manager/src/catalog/catalog";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { migrate } from "../../../manager/src/migrate";
import type { TierPlan } from "../../../manager/src/plan/plan";
import { planTier } from "../../../manager/src/plan/plan-tier";
import { clientConfig, closeSession, withSession } from "../../../manager/src/postgres/connect";
import { provision } from "../../../manager/src/provision/provision";
import type { SecretLogin } from "../../../manager/src/secrets/secret";
import { validate } from "../../../manager/src/validate";
import type { Rule, ValidateOptions, ValidationCheck, ValidationReport } from "../../../manager/src/validate";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { provisionOptions, testPlan } from "../../support/tier";

/** Two services with a database, and one without. */
const CATALOG = defineServices({ alpha: { port: 4001, connections: 5 }, beta: { port: 4002, connections: 5 }, web: { port: 4003, database: null } });

/** A schema with one of each: identity column, plain sequence, generated column, view, partitioned table, function, pinned SECURITY DEFINER function. */
const MIGRATION = `
CREATE TABLE items (
  note text NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  length integer GENERATED ALWAYS AS (length(note)) STORED,
  parent_id bigint REFERENCES items (id),
  CONSTRAINT note_is_not_empty CHECK (note <> '')
);
CREATE SEQUENCE counter;
CREATE VIEW item_notes WITH (security_invoker = true) AS SELECT note FROM items;
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE TABLE "Odd ""Name" ("select" integer);
CREATE FUNCTION item_count() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM items';
CREATE FUNCTION item_count_as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT count(*) FROM items';
`;
const ROLLBACK = `DROP FUNCTION item_count_as_owner, item_count; DROP TABLE "Odd ""Name", events; DROP VIEW item_notes; DROP SEQUENCE counter; DROP TABLE items;`;

/** A provisioned and migrated tier of one test file. */
export interface ValidatedTier {
  readonly server: TestServer;
  readonly catalog: Catalog;
  readonly plan: TierPlan;
  readonly options: ValidateOptions;
  /** Folder of alpha's migrations. */
  readonly alphaSchema: string;
  validate(services?: readonly string[]): Promise<ValidationReport>;
  provision(): Promise<void>;
  /** Runs SQL as the admin in a database. */
  asAdmin(database: string, sql: string): Promise<Record<string, unknown>[]>;
  asLogin(service: string, login: SecretLogin, sql: string): Promise<Record<string, unknown>[]>;
  /** Runs what a report gives to heal with, as a person with psql would: as the admin, following `\connect`. */
  heal(text: string): Promise<void>;
  stop(): Promise<void>;
}

/** @param postgresMajor of the server that `start` starts; default: the local target's */
export async function startValidatedTier(start: () => Promise<TestServer> = startTestServer, postgresMajor?: number): Promise<ValidatedTier> {
  const server = await start();
  const root = mkdtempSync(join(tmpdir(), "bulkhead-schemas-"));
  const local = testPlan(CATALOG);
  const plan = postgresMajor === undefined ? local : planTier(CATALOG, { ...local.tier, postgresMajor });
  const options: ValidateOptions = { ...provisionOptions(server), catalog: CATALOG, root };
  const admin = async (database: string, sql: string): Promise<Record<string, unknown>[]> => {
    const client = await options.openSession(database);
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await closeSession(client);
    }
  };
  const run = async (): Promise<void> => void (await provision(plan, options));
  await run();
  for (const { service, roles } of plan.compartments) {
    const directory = join(root, "schemas", service);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "001_initial.sql"), MIGRATION);
    writeFileSync(join(directory, "001_initial.rollback.sql"), ROLLBACK);
    const secret = await options.secrets.read({ service, login: "migrator" });
    await migrate({ client: clientConfig(secret!, "bulkhead test"), service, owner: roles.owner, directory, readers: [roles.app, roles.readonly] });
  }
  await run();
  return {
    server,
    catalog: CATALOG,
    plan,
    options,
    alphaSchema: join(root, "schemas", "alpha"),
    validate: (services) => validate(plan, services === undefined ? options : { ...options, services }),
    provision: run,
    asAdmin: admin,
    async asLogin(service, login, sql) {
      const secret = await options.secrets.read({ service, login });
      return withSession(clientConfig(secret!, "bulkhead test"), async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
    },
    async heal(text) {
      let database = "postgres";
      for (const part of text.split(/^(?=\\connect )/m)) {
        const connect = /^\\connect (".*")$/m.exec(part);
        if (connect !== null) database = connect[1]!.slice(1, -1).replaceAll('""', '"');
        await admin(database, part.replace(/^\\connect .*$/m, ""));
      }
    },
    async stop() {
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export function failedChecks({ checks }: ValidationReport): ValidationCheck[] {
  return checks.filter(({ status }) => status === "failed");
}

/** Rules that failed, each once. */
export function failedRules(report: ValidationReport): Rule[] {
  return [...new Set(failedChecks(report).map(({ id }) => id))];
}

/** Jest's own matchers, with a type that the linter takes. */
export function containing(text: string): unknown {
  return expect.stringContaining(text);
}

export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}
