import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import type { GcpConfig } from "../../../components/gcp/config/gcp-config";
import { parseGcpConfig } from "../../../components/gcp/config/parse-gcp-config";
import { namesOf } from "../../../components/gcp/labels";
import { secretContainers } from "../../../components/gcp/secrets/secret-containers";
import { parseStackConfig } from "../../../components/stack-config";
import type { Catalog, ServiceDefinition } from "../../../manager/src/catalog/catalog";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import shippedCatalog from "../../../services";
import fc from "../../support/fast-check";

const ROOT = join(__dirname, "..", "..", "..");
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const IMAGE = `eu.gcr.io/project/api@${DIGEST}`;

/** Two services that run, one that does not. */
const CATALOG = defineServices({ api: { port: 1, image: "eu.gcr.io/project/api", calls: ["store"] }, web: { port: 2, database: null, image: "eu.gcr.io/project/web", path: "/*" }, store: { port: 3 } });

/** The least that a stack must say for CATALOG. */
const LEAST = {
  "gcp:project": "example-project",
  "gcp:region": "europe-west1",
  "bulkhead:target": "gcp",
  "bulkhead:reach": { transport: "tunnel" },
  "bulkhead:services": { api: { image: IMAGE }, web: { image: `eu.gcr.io/project/web:1@${DIGEST}` } },
};

function read(settings: Record<string, unknown> = {}, catalog: Catalog = CATALOG, stack = "prod"): GcpConfig {
  return parseGcpConfig(parseStackConfig(stack, { ...LEAST, ...settings }), catalog);
}

/** The lines of the error; none if there is no problem. */
function problemsOf(settings: Record<string, unknown>, catalog: Catalog = CATALOG, stack = "prod"): string[] {
  try {
    read(settings, catalog, stack);
    return [];
  } catch (error) {
    if (!(error instanceof BulkheadError) || error.code !== "CONFIG_INVALID") throw error;
    return error.message.split("\n  - ").slice(1);
  }
}

/** CATALOG with something else about one service. */
function catalogWith(name: string, definition: Partial<ServiceDefinition>): Catalog {
  return defineServices({ api: { port: 1, image: "eu.gcr.io/project/api" }, web: { port: 2, database: null, image: "eu.gcr.io/project/web", path: "/*" }, [name]: { port: 9, ...definition } });
}

const services = (api: Record<string, unknown>): Record<string, unknown> => ({ "bulkhead:services": { ...LEAST["bulkhead:services"], api: { image: IMAGE, ...api } } });

describe("a gcp stack", () => {
  test("that says the least has every default", () => {
    expect(read()).toEqual({
      project: "example-project",
      region: "europe-west1",
      network: { servicesRange: "10.20.0.0/22", machinesRange: "10.20.4.0/24", privateServicesRange: "10.20.16.0/20", flowLogSampling: 0.5 },
      egress: { mode: "direct" },
      sql: {
        version: "POSTGRES_17",
        machineType: "db-custom-4-15360",
        edition: "ENTERPRISE",
        availability: "REGIONAL",
        diskSizeGb: 20,
        diskLimitGb: 200,
        backup: { startTime: "02:00", retained: 14, transactionLogDays: 7 },
        maintenance: { day: 7, hour: 3 },
        readReplicas: 0,
        maxConnections: 500,
      },
      redis: null,
      clickhouse: null,
      encryption: { customerManagedKeys: false },
      secrets: { rotationPeriodDays: 90, versionDestroyDelayDays: 30 },
      edge: null,
      watch: { emails: [] },
      reach: { transport: "tunnel", members: [] },
      services: {
        api: { image: IMAGE, minInstances: 0, maxInstances: 4, poolMax: 5, cpu: 1, memoryMb: 512, concurrency: 80 },
        web: { image: `eu.gcr.io/project/web:1@${DIGEST}`, minInstances: 0, maxInstances: 10, poolMax: 0, cpu: 1, memoryMb: 512, concurrency: 80 },
      },
      deletionProtection: true,
    });
  });

  test("is read the same from the stack's file and from what Pulumi hands to the program", () => {
    const { config } = parse(readFileSync(join(ROOT, "Pulumi.prod.yaml"), "utf8")) as { config: Record<string, unknown> };
    const asText = Object.fromEntries(Object.entries(config).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]));
    const fromFile = parseGcpConfig(parseStackConfig("prod", config), shippedCatalog);
    expect(parseGcpConfig(parseStackConfig("prod", asText), shippedCatalog)).toEqual(fromFile);
    expect(Object.keys(fromFile.services)).toEqual(["accounts", "backend", "frontend"]);
    expect(fromFile).toMatchObject({ deletionProtection: true, sql: { availability: "REGIONAL" }, reach: { transport: "job" } });
    expect(fromFile.redis).not.toBeNull();
    expect(fromFile.clickhouse).not.toBeNull();
    expect(fromFile.edge).not.toBeNull();
  });

  test("takes parts as on by `true`, and as off by `false`, as a value and as text", () => {
    for (const on of [true, "true", {}, "{}"]) expect(read({ "bulkhead:redis": on }).redis).toEqual({ tier: "STANDARD_HA", memorySizeGb: 1, version: "REDIS_7_2" });
    for (const off of [false, "false", undefined, null]) expect(read({ "bulkhead:redis": off }).redis).toBeNull();
    expect(problemsOf({ "bulkhead:redis": "on" })).toEqual(['redis is "on", no map of settings, true or false: pulumi config set redis true --stack prod']);
  });

  test("has a list from the text that `pulumi config set --path` makes of it", () => {
    expect(read({ "bulkhead:watch": { emails: '["a@example.com"]' } }).watch.emails).toEqual(["a@example.com"]);
  });

  test("is told of all its problems at once, each with the line that mends it", () => {
    const problems = problemsOf({
      "gcp:project": "X",
      "gcp:region": undefined,
      "bulkhead:colour": "red",
      "bulkhead:sql": { machineType: "db-n1-standard-1", machinType: "x", backup: { startTime: "2:00", kept: 3 }, maintenance: 7 },
      "bulkhead:network": { servicesRange: "10.0.0.1/22", flowLogSampling: 2 },
      "bulkhead:egress": { mode: "tunnel" },
      "bulkhead:watch": { emails: ["nobody"] },
      "bulkhead:edge": true,
      "bulkhead:reach": "job",
      "bulkhead:services": { api: { image: "x y", cpu: 3 }, nobody: {} },
      "bulkhead:deletionProtection": "yes",
    });
    for (const part of [
      /^gcp:project is "X", no project id .*: pulumi config set gcp:project example-project --stack prod$/,
      /^gcp:region is not set; .*: pulumi config set gcp:region europe-west1 --stack prod$/,
      /^colour is no setting of a gcp stack; .*: pulumi config rm colour --stack prod$/,
      /^sql\.machineType is "db-n1-standard-1", no machine type .*: pulumi config set --path 'bulkhead:sql\.machineType' db-custom-4-15360 --stack prod$/,
      /^sql\.machinType is no setting; sql has version, machineType, .*: pulumi config rm --path 'bulkhead:sql\.machinType' --stack prod$/,
      /^sql\.backup\.startTime is "2:00", no time .*'bulkhead:sql\.backup\.startTime' 02:00 --stack prod$/,
      /^sql\.backup\.kept is no setting/,
      /^sql\.maintenance is 7, no map of settings: pulumi config rm --path 'bulkhead:sql\.maintenance' --stack prod$/,
      /^network\.servicesRange is "10\.0\.0\.1\/22", no private address range/,
      /^network\.flowLogSampling is 2, no number from 0 to 1/,
      /^egress\.mode is "tunnel", no direct or connector/,
      /^watch\.emails is \[ 'nobody' \], no list of up to 16, each a mail address: pulumi config set --path 'bulkhead:watch\.emails' '\["on-call@example\.com"\]' --stack prod$/,
      /^edge\.domains is not set/,
      /^reach is "job", no map of settings: pulumi config rm reach --stack prod$/,
      /^services\.api\.image is "x y", no container image/,
      /^services\.api\.cpu is 3, no 1, 2, 4, 6 or 8/,
      /^services\.nobody is no service of services\.ts; it has api, web, store/,
      /^deletionProtection is "yes", no true or false: pulumi config set deletionProtection true --stack prod$/,
    ]) {
      expect(problems).toContainEqual(expect.stringMatching(part));
    }
  });

  test("ends for anything at all with a configuration or with CONFIG_INVALID", () => {
    const anySection = fc.oneof(fc.anything(), fc.json(), fc.dictionary(fc.oneof(fc.constantFrom("mode", "transport", "ranges", "machineType", "image", "domains", "backup", "api", "__proto__", "backupCertificate", "zone"), fc.string()), fc.oneof(fc.anything(), fc.constantFrom("connector", "job", "direct", ["10.0.0.0/28", "10.0.0.16/28"]))));
    const names = ["bulkhead:network", "bulkhead:egress", "bulkhead:sql", "bulkhead:redis", "bulkhead:clickhouse", "bulkhead:edge", "bulkhead:watch", "bulkhead:reach", "bulkhead:services", "bulkhead:deletionProtection", "gcp:project", "gcp:region", "gcp:zone"];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), anySection), (settings) => {
        problemsOf(settings);
      }),
      { numRuns: 500 },
    );
  });
});

describe("what does not go together", () => {
  const set = (path: string, value: string): RegExp => new RegExp(`: pulumi config set --path 'bulkhead:${path.replaceAll(".", "\\.")}' ${value} --stack prod$`);

  test.each<[string, Record<string, unknown>, RegExp, RegExp]>([
    ["ranges that overlap", { "bulkhead:network": { machinesRange: "10.20.2.0/24" } }, /machinesRange 10\.20\.2\.0\/24 overlaps network\.servicesRange 10\.20\.0\.0\/22/, set("network.machinesRange", "10\\.20\\.4\\.0/24")],
    ["a /29 for services", { "bulkhead:network": { servicesRange: "10.20.0.0/29" } }, /10\.20\.0\.0\/29 is too small: Cloud Run needs \/26/, set("network.servicesRange", "10\\.20\\.0\\.64/26")],
    ["a /29 for machines", { "bulkhead:network": { machinesRange: "10.20.4.0/29" } }, /too small: machines need \/28/, set("network.machinesRange", "10\\.20\\.4\\.16/28")],
    ["a /25 for Google's services", { "bulkhead:network": { privateServicesRange: "10.20.16.0/25" } }, /too small: Cloud SQL needs \/24/, set("network.privateServicesRange", "10\\.20\\.5\\.0/24")],
    ["a /24 for Google's services with Redis", { "bulkhead:redis": true, "bulkhead:network": { privateServicesRange: "10.20.16.0/24" } }, /Redis needs more, so \/23/, set("network.privateServicesRange", "10\\.20\\.6\\.0/23")],
    ["addresses of Docker's bridge", { "bulkhead:network": { privateServicesRange: "172.16.0.0/12" } }, /overlaps 172\.17\.0\.0\/16, which Cloud SQL uses inside itself/, /pulumi config set/],
    ["a public range", { "bulkhead:network": { servicesRange: "8.8.8.0/24" } }, /no private address range/, set("network.servicesRange", "10\\.20\\.0\\.0/22")],
    ["too few addresses for the instances", { "bulkhead:network": { servicesRange: "10.20.0.0/26" }, ...services({ maxInstances: 20, poolMax: 1 }) }, /60 usable addresses, but 30 instances may need 120/, set("network.servicesRange", "10\\.20\\.0\\.128/25")],
    ["connectors in ranges of another size", { "bulkhead:egress": { mode: "connector", ranges: ["10.20.8.0/27", "10.20.8.32/28"] } }, /10\.20\.8\.0\/27 is no \/28/, set("egress.ranges", `'\\["10\\.20\\.5\\.0/28","10\\.20\\.5\\.16/28"\\]'`)],
    ["connectors in the same range", { "bulkhead:egress": { mode: "connector", ranges: ["10.20.8.0/28", "10.20.8.0/28"] } }, /overlaps egress\.ranges 10\.20\.8\.0\/28/, /bulkhead:egress\.ranges/],
    ["a connector that cannot grow", { "bulkhead:egress": { mode: "connector", minInstances: 4, maxInstances: 4 } }, /is 4, not over minInstances 4/, set("egress.maxInstances", "5")],
    ["a connector too small for all instances", { "bulkhead:egress": { mode: "connector" }, ...services({ maxInstances: 20, poolMax: 1 }) }, /4 of e2-micro, enough for 20 instances of services, but there may be 30/, set("egress.maxInstances", "6")],
    ["connectors of the wrong kind for all instances", { "bulkhead:egress": { mode: "connector", machineType: "f1-micro" }, ...services({ maxInstances: 20, poolMax: 1 }) }, /4 of f1-micro, enough for 10/, set("egress.machineType", "e2-standard-4")],
    ["settings of connectors without connectors", { "bulkhead:egress": { mode: "direct", maxInstances: 4 } }, /egress\.maxInstances is no setting; egress has mode/, /pulumi config rm --path 'bulkhead:egress\.maxInstances'/],
    ["a machine type of the other edition", { "bulkhead:sql": { machineType: "db-perf-optimized-N-4" } }, /edition is ENTERPRISE, which does not have db-perf-optimized-N-4/, set("sql.edition", "ENTERPRISE_PLUS")],
    ["a region without the machine type's family", { "bulkhead:sql": { machineType: "db-custom-N4-4-16384" } }, /europe-west1 has no machines of the family N4 \(as of 20\d\d-\d\d\)/, set("sql.machineType", "db-custom-4-16384")],
    ["a region without the edition", { "gcp:region": "europe-north2", "bulkhead:sql": { machineType: "db-c4a-highmem-4", edition: "ENTERPRISE_PLUS" } }, /is ENTERPRISE_PLUS, which europe-north2 does not have/, set("sql.edition", "ENTERPRISE")],
    ["more connections than memory", { "bulkhead:sql": { machineType: "db-custom-1-3840", maxConnections: 500 } }, /is 500; db-custom-1-3840 has memory for 384/, set("sql.maxConnections", "384")],
    ["a disk over its own limit", { "bulkhead:sql": { diskSizeGb: 300 } }, /diskLimitGb is 200, under diskSizeGb 300/, set("sql.diskLimitGb", "300")],
    ["a disk too small for its kind", { "gcp:region": "europe-west4", "bulkhead:sql": { machineType: "db-custom-N4-4-16384", diskSizeGb: 10 } }, /begin at 20 GB/, set("sql.diskSizeGb", "20")],
    ["logs for longer than the edition keeps them", { "bulkhead:sql": { backup: { transactionLogDays: 14 } } }, /keeps up to 7/, set("sql.backup.transactionLogDays", "7")],
    ["ClickHouse outside the region", { "bulkhead:clickhouse": { image: IMAGE, zone: "europe-west4-b" } }, /europe-west4-b is not in europe-west1/, set("clickhouse.zone", "europe-west1-b")],
    ["ClickHouse in a zone that there is not", { "bulkhead:clickhouse": { image: IMAGE, zone: "europe-west1-a" } }, /europe-west1-a does not exist; europe-west1 has b, c, d/, set("clickhouse.zone", "europe-west1-b")],
    ["the provider's zone outside the region", { "gcp:zone": "us-central1-a" }, /gcp:zone "us-central1-a" is not in europe-west1/, /pulumi config set gcp:zone europe-west1-b --stack prod$/],
    ["an image without digest", services({ image: "eu.gcr.io/project/api:1" }), /is eu\.gcr\.io\/project\/api:1, without a digest/, set("services.api.image", "eu.gcr.io/project/api@sha256:DIGEST")],
    ["the catalog's image without digest", { "bulkhead:services": { web: { image: IMAGE } } }, /services\.api\.image is eu\.gcr\.io\/project\/api, without a digest/, set("services.api.image", "eu.gcr.io/project/api@sha256:DIGEST")],
    ["an image without tag", { ...services({ image: "eu.gcr.io/project/api" }), "bulkhead:deletionProtection": false }, /without a tag or digest/, set("services.api.image", "eu.gcr.io/project/api:1\\.0\\.0")],
    ["a job's image without digest", { "bulkhead:reach": { transport: "job", image: "eu.gcr.io/setup:1" } }, /reach\.image is eu\.gcr\.io\/setup:1, without a digest/, set("reach.image", "eu.gcr.io/setup@sha256:DIGEST")],
    ["ClickHouse's image without digest", { "bulkhead:clickhouse": { image: "eu.gcr.io/clickhouse:25.8" } }, /without a digest/, set("clickhouse.image", "eu.gcr.io/clickhouse@sha256:DIGEST")],
    ["an image that only the internet has", services({ image: `nginx@${DIGEST}` }), /which the VPC does not reach/, /pkg\.dev/],
    ["a backup that is served and not there", { "bulkhead:edge": { domains: ["example.com"], served: "backup" } }, /served is backup, but there is no backup certificate/, set("edge.served", "managed")],
    ["a job without image", { "bulkhead:reach": { transport: "job" } }, /reach\.image is not set/, /bulkhead:reach\.image/],
    ["everybody through the bastion", { "bulkhead:reach": { transport: "tunnel", members: ["allUsers"] } }, /reach\.members/, /bulkhead:reach\.members/],
    ["more instances than connections", services({ maxInstances: 5 }), /may come to 50 connections \(5 × 5 × 2 during a rollout\), but api has 40/, set("services.api.maxInstances", "4")],
    ["a pool over the connections", services({ poolMax: 30 }), /may come to 60 connections/, set("services.api.poolMax", "20")],
    ["a pool for a service without database", { "bulkhead:services": { ...LEAST["bulkhead:services"], web: { image: IMAGE, poolMax: 5 } } }, /web has no database/, /pulumi config rm --path 'bulkhead:services\.web\.poolMax'/],
    ["more instances at the least than at the most", services({ minInstances: 3, maxInstances: 2 }), /minInstances is 3, over maxInstances 2/, set("services.api.minInstances", "2")],
    ["many CPUs with little memory", services({ cpu: 4 }), /memoryMb is 512; with 4 CPU Cloud Run takes 2048 to 16384/, set("services.api.memoryMb", "2048")],
    ["a service with settings and nothing to run", { "bulkhead:services": { ...LEAST["bulkhead:services"], store: { cpu: 2 } } }, /services\.store\.image is not set, here or in services\.ts/, /bulkhead:services\.store\.image/],
    ["half a certificate", { "bulkhead:edge": { domains: ["example.com"], backupCertificate: { certificateFile: "a.pem" } } }, /edge\.backupCertificate\.privateKeyFile is not set/, /bulkhead:edge\.backupCertificate\.privateKeyFile/],
  ])("%s", (_name, settings, problem, mend) => {
    const problems = problemsOf(settings);
    expect(problems).toContainEqual(expect.stringMatching(problem));
    expect(problems.find((line) => problem.test(line))).toMatch(mend);
  });

  test.each<[string, Catalog, Record<string, unknown>, RegExp]>([
    ["Redis that is off", catalogWith("store", { redis: true }), {}, /^redis is off, but services\.ts asks for it: store: pulumi config set redis true --stack prod$/],
    ["ClickHouse that is off", catalogWith("store", { clickhouse: true }), {}, /^clickhouse is off, but services\.ts asks for it: store: pulumi config set --path 'bulkhead:clickhouse\.image' .+ --stack prod$/],
    ["an edge with nothing to run behind a path", catalogWith("store", { path: "/store/*" }), { "bulkhead:edge": { domains: ["example.com"] } }, /^service store has the path \/store\/\* at the edge, but no image to run/],
    ["an edge with no service for the rest", catalogWith("web", { image: "host/web" }), { "bulkhead:edge": { domains: ["example.com"] } }, /^edge has no service for paths that no other takes/],
    ["a name too long for a service account", catalogWith("a-rather-long-service-name", { image: IMAGE }), {}, /^service account of a-rather-long-service-name would be called prod-a-rather-long-service-name, but a service account has 6 to 30/],
    ["a name with an underscore", catalogWith("a_b", { image: IMAGE }), {}, /^service account of a_b would be called prod-a_b/],
    ["a service with one connection only", catalogWith("tiny", { image: IMAGE, connections: 1 }), {}, /^services\.tiny may come to 10 connections .*: in services\.ts, give tiny connections: 10$/],
  ])("%s is refused before anything is created", (_name, catalog, settings, problem) => {
    const images = Object.fromEntries(catalog.services.filter(({ image }) => image !== null).map(({ name }) => [name, { image: IMAGE }]));
    expect(problemsOf({ "bulkhead:services": images, ...settings }, catalog)).toContainEqual(expect.stringMatching(problem));
  });

  test.each(["Prod", "my.prod", "1prod", "a".repeat(64), "prod-", "my_prod"])("a stack called %s is refused, since Google takes no such names", (stack) => {
    expect(problemsOf({}, CATALOG, stack)).toContainEqual(expect.stringMatching(/^stack .* has a name that no label or service of Google can have/));
  });

  test("a stack with a hyphen is refused, since service y of prod-x and service x-y of prod would be called the same", () => {
    expect(namesOf("prod-x").serviceAccount("y")).toBe(namesOf("prod").serviceAccount("x-y"));
    expect(problemsOf({}, CATALOG, "prod-x")).toEqual(["stack prod-x has a hyphen in its name, and is told from its services by the first hyphen of theirs: pulumi stack rename prodx"]);
  });

  test("no two stacks give an account or a secret the same name, whatever their services are called", () => {
    const stack = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
    const services = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,3}$/), { maxLength: 5 });
    const secretsOf = (name: string, all: readonly string[]) => secretContainers(name, all.map((service) => ({ name: service, database: "any", redis: true, clickhouse: true }))).map(({ id }) => id);
    fc.assert(
      fc.property(fc.uniqueArray(stack, { minLength: 2, maxLength: 2 }), services, services, ([one, other], ofOne, ofOther) => {
        const accounts = [...ofOne.map(namesOf(one!).serviceAccount), ...ofOther.map(namesOf(other!).serviceAccount)];
        const secrets = [...secretsOf(one!, ofOne), ...secretsOf(other!, ofOther)];
        expect(new Set(accounts).size).toBe(accounts.length);
        expect(new Set(secrets).size).toBe(secrets.length);
      }),
    );
  });

  test("a name too short for a service account is refused too", () => {
    expect(problemsOf({}, CATALOG, "p")).toEqual([expect.stringMatching(/^service account of api would be called p-api/), expect.stringMatching(/^service account of web would be called p-web/)]);
  });

  test("without deletion protection a tag will do", () => {
    expect(read({ ...services({ image: "eu.gcr.io/project/api:1" }), "bulkhead:deletionProtection": false }).services["api"]!.image).toBe("eu.gcr.io/project/api:1");
  });

  test("no value of a setting that is wrong makes a second problem out of the first", () => {
    expect(problemsOf({ "bulkhead:network": { servicesRange: "10.20.0.0/40" }, "bulkhead:egress": { mode: "connector", machineType: "f1-micro" } })).toHaveLength(1);
    expect(problemsOf({ "bulkhead:sql": { machineType: "db-custom-4" } })).toHaveLength(1);
  });
});
