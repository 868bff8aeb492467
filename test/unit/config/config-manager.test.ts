import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { ConfigError, ConfigManager, IsolatedEnvironment, poolOptions } from "../../../manager/src/config";
import type { AppConfig, ConfigManagerOptions, PostgresConnection } from "../../../manager/src/config";
import { makeSecret } from "../../../manager/src/secrets/secret";
import { TestClock } from "../errors/test-clock";

const PASSWORD = "s3cret-Pass";
const URL = `postgresql://auth_user:${PASSWORD}@localhost:5432/auth_db`;
const noSdk = async (name: string): Promise<never> => Promise.reject(new Error(`Cannot find package '${name}'`));

const managerFor = (variables: Record<string, string>, options: Partial<ConfigManagerOptions> = {}) =>
  new ConfigManager({ service: "auth", target: "host", loadModule: noSdk, environment: new IsolatedEnvironment({ service: "auth", source: variables }), ...options });
const load = (variables: Record<string, string>, options: Partial<ConfigManagerOptions> = {}) => managerFor(variables, options).load();
const problemsOf = async (variables: Record<string, string>, options: Partial<ConfigManagerOptions> = {}) => {
  const error = await load(variables, options).then(() => undefined, (thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${inspect(error)}`);
  expect(error.message).not.toContain(PASSWORD);
  return error.problems;
};
const postgres = (config: AppConfig): PostgresConnection => {
  if (config.database.kind !== "postgres") throw new Error("on memory");
  return config.database;
};

/** Shaped like @aws-sdk/client-secrets-manager 3: a client with `send(command, {abortSignal})`, a command with its input. */
function fakeAws(answer: (input: { SecretId: string }, region: string) => object | Error) {
  const sent: string[] = [];
  class GetSecretValueCommand {
    constructor(readonly input: { SecretId: string }) {}
  }
  class SecretsManagerClient {
    constructor(readonly config: { region: string }) {}
    async send(command: GetSecretValueCommand, options: { abortSignal: AbortSignal }): Promise<object> {
      expect(options.abortSignal).toBeInstanceOf(AbortSignal);
      sent.push(command.input.SecretId);
      const given = answer(command.input, this.config.region);
      if (given instanceof Error) throw given;
      return given;
    }
    destroy(): void {}
  }
  return { sent, loadModule: async (name: string) => (name === "@aws-sdk/client-secrets-manager" ? { SecretsManagerClient, GetSecretValueCommand } : noSdk(name)) };
}

/** Shaped like @google-cloud/secret-manager: `accessSecretVersion` answers with an array whose first entry has `payload.data`; `initialize` logs in. */
function fakeGcp(answer: (name: string) => Uint8Array | Error, login?: Error) {
  class SecretManagerServiceClient {
    async initialize(): Promise<void> {
      if (login !== undefined) throw login;
    }
    async accessSecretVersion({ name }: { name: string }) {
      const given = answer(name);
      if (given instanceof Error) throw given;
      return [{ name, payload: { data: given } }];
    }
    async close(): Promise<void> {}
  }
  return async (name: string) => (name === "@google-cloud/secret-manager" ? { default: { SecretManagerServiceClient } } : noSdk(name));
}

describe("the configuration", () => {
  test("has the defaults of the tier where only DATABASE_URL is set", async () => {
    const config = await load({ DATABASE_URL: URL });
    expect(config).toMatchObject({
      service: "auth", profile: "local", pool: { min: 2, max: 20, acquireTimeoutMs: 30_000 }, connect: { timeoutMs: 5_000, retries: 3 },
      monitoring: { enabled: true, slowQueryThresholdMs: 1_000 }, readReplica: undefined, warnings: [],
    });
    expect(postgres(config)).toMatchObject({ source: "database-url", host: "localhost", port: 5432, user: "auth_user", database: "auth_db", url: URL });
  });

  test("is frozen to the last field", async () => {
    const config = await load({ DATABASE_URL: URL });
    for (const part of [config, config.pool, config.connect, config.monitoring, config.warnings, config.database]) expect(Object.isFrozen(part)).toBe(true);
  });

  test("shows no password when it is printed, spread or turned into JSON", async () => {
    const config = await load({ DATABASE_URL: URL, READ_REPLICA_URL: URL.replace("5432", "5433") });
    for (const text of [inspect(config, { depth: 9, showHidden: true }), JSON.stringify(config), JSON.stringify({ ...postgres(config) }), postgres(config).toString()]) expect(text).not.toContain(PASSWORD);
    expect(config.readReplica).toMatchObject({ port: 5433 });
  });

  test.each([
    [{ BULKHEAD_PROFILE: "staging" }, "staging", 10_000, 5],
    [{ NODE_ENV: "production" }, "production", 10_000, 5],
    [{ NODE_ENV: "test" }, "local", 5_000, 3],
    [{ NODE_ENV: "production", BULKHEAD_PROFILE: "local" }, "local", 5_000, 3],
  ])("with %j has the profile %s", async (variables, profile, timeoutMs, retries) => {
    expect(await load({ DATABASE_URL: URL, ...variables })).toMatchObject({ profile, connect: { timeoutMs, retries } });
  });

  test("is production in a cloud that says nothing else", async () => {
    expect(await load({ DATABASE_URL: `${URL}?sslmode=verify-full`, K_SERVICE: "auth" }, { target: "cloud" })).toMatchObject({ profile: "production", serverless: true, pool: { min: 0, max: 5 } });
  });

  test("bounds the replica's lag by READ_REPLICA_MAX_LAG_MS, in milliseconds, with 5,000 as the default and 1,000 as the floor", async () => {
    expect((await load({ DATABASE_URL: URL })).readReplicaLagMaxMs).toBe(5_000);
    const manager = managerFor({ DATABASE_URL: URL, AUTH_READ_REPLICA_MAX_LAG_MS: "1000" });
    expect((await manager.load()).readReplicaLagMaxMs).toBe(1_000);
    expect(manager.explain()).toMatch(/readReplicaLagMaxMs +1000 +AUTH_READ_REPLICA_MAX_LAG_MS/);
    for (const text of ["999", "3600001", "-1", "5s"]) expect(await problemsOf({ DATABASE_URL: URL, READ_REPLICA_MAX_LAG_MS: text })).toMatchObject([{ variable: "READ_REPLICA_MAX_LAG_MS" }]);
  });

  test("never lets one attempt to connect outlast a caller's wait", async () => {
    expect(await load({ DATABASE_URL: URL, CONNECTION_TIMEOUT_SECONDS: "3" })).toMatchObject({ pool: { acquireTimeoutMs: 3_000 }, connect: { timeoutMs: 3_000 } });
  });

  test("takes a URL with Prisma's parameters, and keeps them in the URL only", async () => {
    const config = await load({ DATABASE_URL: `${URL}?sslmode=disable&schema=public` });
    expect(postgres(config).url).toContain("schema=public");
    expect(postgres(config).parsed.params).toEqual({ sslmode: "disable" });
  });

  test("has all problems in one error, each with variable, redacted value and mending", async () => {
    const problems = await problemsOf({
      AUTH_DATABASE_URL: `postgresql://auth_user:${PASSWORD}@localhost:notaport/auth_db`, AUTH_READ_REPLICA_URL: `mysql://u:${PASSWORD}@h/d`, AUTH_DB_MIN_CONNECTIONS: "-1",
      AUTH_DB_MAX_CONNECTIONS: "many", AUTH_MONITORING_ENABLED: "maybe", AUTH_SLOW_QUERY_THRESHOLD_MS: "0", AUTH_CONNECTION_TIMEOUT_SECONDS: "1h", BULKHEAD_PROFILE: "prod",
    });
    expect(problems.map(({ variable }) => variable).sort()).toEqual([
      "AUTH_CONNECTION_TIMEOUT_SECONDS", "AUTH_DATABASE_URL", "AUTH_DB_MAX_CONNECTIONS", "AUTH_DB_MIN_CONNECTIONS", "AUTH_MONITORING_ENABLED", "AUTH_READ_REPLICA_URL", "AUTH_SLOW_QUERY_THRESHOLD_MS", "BULKHEAD_PROFILE",
    ]);
    for (const { fix, value, problem } of problems) {
      expect(fix).not.toBe("");
      expect(`${value} ${problem} ${fix}`).not.toContain(PASSWORD);
    }
  });

  test.each([["postgresql://localhost/auth_db", "names no user"], ["postgresql://u:p@localhost", "names no database"], [`${URL}?sslmode=verify-ca&sslrootcert=/nowhere/ca.crt`, "cannot be read"]])("refuses %s at start", async (url, text) => {
    expect((await problemsOf({ DATABASE_URL: url }))[0]?.problem).toContain(text);
  });

  test("refuses a connection in the clear in production, except on the same machine; elsewhere it warns", async () => {
    const remote = URL.replace("localhost", "db.example");
    expect((await problemsOf({ DATABASE_URL: remote, NODE_ENV: "production" }))[0]?.problem).toContain("encryption");
    await expect(load({ DATABASE_URL: URL, NODE_ENV: "production" })).resolves.toBeDefined();
    expect((await load({ DATABASE_URL: remote })).warnings[0]).toContain("not verified");
  });
});

describe("the sources", () => {
  const AWS_VARIABLES = { AWS_DB_HOST: "aws.example", AWS_DB_NAME: "auth_db", AWS_DB_USER: "auth_user", AWS_DB_PASSWORD: PASSWORD };
  const RDS_SECRET = JSON.stringify({ engine: "postgres", host: "rds.example", port: 5433, username: "auth_user", password: PASSWORD, dbname: "auth_db" });
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "bulkhead-config-"))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const secretFile = () => {
    const path = join(directory, "app.json");
    const secret = makeSecret({ host: "localhost", port: 5439, ca: "PEM", caPath: "/x/ca.crt" }, { dbname: "auth_db", username: "auth_user", password: PASSWORD, urlParameters: { schema: "public" } });
    writeFileSync(path, JSON.stringify(secret));
    return path;
  };

  test("are asked in their order, and the first that is configured wins", async () => {
    const aws = fakeAws(() => ({ SecretString: RDS_SECRET }));
    const gcp = fakeGcp(() => Buffer.from(RDS_SECRET.replace("rds.example", "gcp.example")));
    const loadModule = async (name: string) => (name.startsWith("@aws") ? aws.loadModule(name) : gcp(name));
    const variables: Record<string, string> = { DATABASE_URL: URL, AWS_DB_SECRET: "auth", AWS_REGION: "eu-central-1", GCP_DB_SECRET: "auth", GOOGLE_CLOUD_PROJECT: "p", DB_SECRET_FILE: secretFile(), AWS_DB_HOST: "aws.example", AWS_DB_NAME: "auth_db", AWS_DB_USER: "auth_user", AWS_DB_PASSWORD: PASSWORD };
    const order: string[] = [];
    for (const drop of [["DATABASE_URL"], ["AWS_DB_SECRET"], ["GCP_DB_SECRET"], ["DB_SECRET_FILE"], ["AWS_DB_HOST", "AWS_DB_NAME", "AWS_DB_USER", "AWS_DB_PASSWORD"]]) {
      order.push((await load(variables, { loadModule, memoryFallback: "outside-production" })).database.source);
      for (const name of drop) delete variables[name];
    }
    order.push((await load(variables, { loadModule, memoryFallback: "outside-production" })).database.source);
    expect(order).toEqual(["database-url", "aws-secrets-manager", "gcp-secret-manager", "secret-file", "aws-variables", "memory"]);
  });

  test("a source that is configured and fails is an error: nothing behind it is tried, also not memory", async () => {
    const { loadModule } = fakeAws(() => Object.assign(new Error("not found"), { name: "ResourceNotFoundException" }));
    const problems = await problemsOf({ AWS_SECRET_NAME: "auth", AWS_REGION: "eu-central-1", ...AWS_VARIABLES }, { loadModule, memoryFallback: "always" });
    expect(problems).toMatchObject([{ variable: "AWS_SECRET_NAME", fix: expect.stringContaining("list-secrets") as string }]);
  });

  test("AWS Secrets Manager, by a fake of the SDK's documented shape: the RDS secret's fields, in text or binary", async () => {
    for (const given of [{ SecretString: RDS_SECRET }, { SecretBinary: Buffer.from(RDS_SECRET) }]) {
      const { sent, loadModule } = fakeAws((_input, region) => (expect(region).toBe("eu-central-1"), given));
      const config = await load({ AWS_DB_SECRET: "prod/auth", AWS_REGION: "eu-central-1" }, { loadModule });
      expect(postgres(config)).toMatchObject({ source: "aws-secrets-manager", host: "rds.example", port: 5433, user: "auth_user" });
      expect(sent).toEqual(["prod/auth"]);
    }
  });

  test("AWS Secrets Manager, by a fake of the SDK's documented shape: a managed master secret is completed by AWS_DB_HOST and AWS_DB_NAME", async () => {
    const { loadModule } = fakeAws(() => ({ SecretString: JSON.stringify({ username: "auth_user", password: PASSWORD }) }));
    const secret = { AWS_DB_SECRET: "rds!cluster-1", AWS_REGION: "eu-central-1" };
    expect(postgres(await load({ ...secret, AWS_DB_HOST: "h.example", AWS_DB_NAME: "auth_db" }, { loadModule }))).toMatchObject({ host: "h.example", port: 5432, database: "auth_db" });
    expect((await problemsOf(secret, { loadModule }))[0]?.problem).toContain("lacks host, dbname");
  });

  test.each(["not json", "[]", '{"engine":"mysql","username":"u","password":"p","host":"h","dbname":"d"}', `{"host":"h","dbname":"d","username":"u","password":"${PASSWORD}","port":"x"}`, ""])("a secret that holds %j is refused without being quoted", async (text) => {
    const { loadModule } = fakeAws(() => ({ SecretString: text }));
    expect(await problemsOf({ AWS_DB_SECRET: "auth", AWS_REGION: "r" }, { loadModule })).toHaveLength(1);
  });

  test("AWS without a region, or with two names that differ, is refused before the SDK is loaded", async () => {
    expect((await problemsOf({ AWS_DB_SECRET: "a", AWS_SECRET_NAME: "b" })).map(({ variable }) => variable)).toEqual(["AWS_SECRET_NAME", "AWS_REGION"]);
  });

  test("a cloud SDK that is not installed is named with the command that installs it", async () => {
    expect((await problemsOf({ AWS_DB_SECRET: "a", AWS_REGION: "r" }))[0]?.fix).toBe("npm install @aws-sdk/client-secrets-manager");
    expect((await problemsOf({ GCP_DB_SECRET: "projects/p/secrets/s" }))[0]?.fix).toBe("npm install @google-cloud/secret-manager");
  });

  test("GCP Secret Manager, by a fake of the client's documented shape: the latest version, or the one that is named", async () => {
    const asked: string[] = [];
    const loadModule = fakeGcp((name) => (asked.push(name), Buffer.from(RDS_SECRET)));
    await load({ GCP_DB_SECRET: "auth-db", GOOGLE_CLOUD_PROJECT: "acme" }, { loadModule });
    await load({ GCP_DB_SECRET: "projects/acme/secrets/auth-db/versions/3" }, { loadModule });
    expect(asked).toEqual(["projects/acme/secrets/auth-db/versions/latest", "projects/acme/secrets/auth-db/versions/3"]);
    expect((await problemsOf({ GCP_DB_SECRET: "auth-db" }, { loadModule }))[0]?.problem).toContain("no project");
    const denied = fakeGcp(() => Object.assign(new Error("7 PERMISSION_DENIED"), { code: 7 }));
    expect((await problemsOf({ GCP_DB_SECRET: "projects/acme/secrets/auth-db" }, { loadModule: denied }))[0]?.fix).toContain("secretAccessor");
    const nobody = fakeGcp(() => new Error("must not be asked"), new Error("Could not load the default credentials."));
    expect((await problemsOf({ GCP_DB_SECRET: "projects/acme/secrets/auth-db" }, { loadModule: nobody }))[0]).toMatchObject({ problem: expect.stringContaining("login") as string, fix: expect.stringContaining("service account") as string });
  });

  test("a secret file that up wrote is read with its authority, also through a link as a platform mounts it", async () => {
    const link = join(directory, "mounted.json");
    symlinkSync(secretFile(), link);
    const config = await load({ DB_SECRET_FILE: link });
    const database = postgres(config);
    expect(database).toMatchObject({ source: "secret-file", port: 5439, ca: "PEM" });
    expect(database.url).toContain("schema=public");
    expect(poolOptions(config, database)).toMatchObject({ host: "localhost", port: 5439, user: "auth_user", max: 20, min: 2, acquireTimeoutMs: 30_000, connectTimeoutMs: 5_000, ssl: { ca: "PEM", rejectUnauthorized: true } });
  });

  test.each(["absent.json", "."])("a secret file that is %s is refused with its path", async (name) => {
    expect((await problemsOf({ DB_SECRET_FILE: join(directory, name) }))[0]?.problem).toContain(directory);
  });

  test("AWS_DB_* variables need each other, and say each that is missing", async () => {
    expect((await problemsOf({ AWS_DB_HOST: "h", AWS_DB_PORT: "70000" })).map(({ variable }) => variable).sort()).toEqual(["AWS_DB_NAME", "AWS_DB_PASSWORD", "AWS_DB_PORT", "AWS_DB_USER"]);
  });

  test("AWS_REQUIRE_SSL and AWS_SSLROOTCERT choose the sslmode", async () => {
    const modeOf = async (variables: Record<string, string>) => postgres(await load({ ...AWS_VARIABLES, ...variables })).parsed.params;
    expect(await modeOf({})).toEqual({ sslmode: "require" });
    expect(await modeOf({ AWS_REQUIRE_SSL: "false" })).toEqual({ sslmode: "disable" });
    expect(await modeOf({ AWS_SSLROOTCERT: "system" })).toEqual({ sslmode: "verify-full", sslrootcert: "system" });
    expect((await problemsOf({ ...AWS_VARIABLES, AWS_REQUIRE_SSL: "no", AWS_SSLROOTCERT: "system" }))[0]?.variable).toBe("AWS_REQUIRE_SSL");
  });

  test("a password with every special sign survives the way through the variables", async () => {
    const password = " p@ss/w:o?r#d%&=\"' ";
    expect(postgres(await load({ ...AWS_VARIABLES, AWS_DB_PASSWORD: password })).parsed.password).toBe(password);
  });

  test("memory is taken only where the service allows it, in production only where it says so in so many words", async () => {
    expect((await problemsOf({})).map(({ variable }) => variable)).toEqual(["DATABASE_URL"]);
    expect((await problemsOf({ NODE_ENV: "production" }, { memoryFallback: "outside-production" })).map(({ variable }) => variable)).toEqual(["DATABASE_URL"]);
    expect(await load({}, { memoryFallback: "outside-production" })).toMatchObject({ database: { kind: "memory" }, warnings: [expect.stringContaining("memory") as string] });
    expect((await load({ NODE_ENV: "production" }, { memoryFallback: "always" })).warnings[0]).toContain("IN PRODUCTION");
  });

  test("a secret's password is read anew when the server rejected it, and a changed login is said to need a new pool", async () => {
    const clock = new TestClock();
    let secret = { username: "auth_user", password: "one", host: "h", dbname: "auth_db", sslmode: "require" };
    const { sent, loadModule } = fakeAws(() => ({ SecretString: JSON.stringify(secret) }));
    const config = await load({ AWS_DB_SECRET: "auth", AWS_REGION: "r" }, { loadModule, clock });
    const password = postgres(config).password;
    expect(await password?.({ user: "auth_user" }, { refresh: false })).toBe("one");
    expect(sent).toHaveLength(1);
    secret = { ...secret, password: "two" };
    await clock.advance(2_000);
    expect(await password?.({ user: "auth_user" }, { refresh: true })).toBe("two");
    secret = { ...secret, username: "auth_user_b", password: "three" };
    await clock.advance(301_000);
    expect(await password?.({ user: "auth_user" }, { refresh: false })).toBe("two");
    await clock.advance(2_000);
    await expect(password?.({ user: "auth_user" }, { refresh: true })).rejects.toMatchObject({ code: "CONFIG_LOGIN_CHANGED" });
  });
});

describe("explain()", () => {
  test("says which source won and why, and where every value came from, without a password", async () => {
    const manager = managerFor({ AUTH_DATABASE_URL: URL, AUTH_DB_MAX_CONNECTIONS: "7", AWS_DB_PASSWORD: PASSWORD });
    expect(manager.explain()).toContain("not loaded");
    await manager.load();
    const text = manager.explain();
    expect(text).toMatch(/1 +database-url +won +AUTH_DATABASE_URL is set/);
    expect(text).toMatch(/6 +memory +not asked/);
    expect(text).toMatch(/pool\.max +7 +AUTH_DB_MAX_CONNECTIONS/);
    expect(text).toMatch(/pool\.min +2 +default/);
    expect(text).not.toContain(PASSWORD);
  });

  test("tells of a load that failed as well", async () => {
    const manager = managerFor({ DATABASE_URL: `postgresql://u:${PASSWORD}@h:x/d` });
    await expect(manager.load()).rejects.toThrow(ConfigError);
    expect(manager.explain()).toMatch(/database-url +invalid/);
    expect(manager.explain()).toContain("problem: DATABASE_URL");
    expect(manager.explain()).not.toContain(PASSWORD);
  });
});
