import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { target } from "../../../components/local";
import { processesOf } from "../../../components/local/server/running-process";
import { ensureServer } from "../../../components/local/server/server";
import { destroyStores, ensureStores, openStores, stopStores } from "../../../components/local/stores/local-stores";
import type { TierContext } from "../../../components/tier";
import type { ServiceDefinition } from "../../../manager/src/catalog/catalog";
import { defineServices } from "../../../manager/src/catalog/define-services";
import { planTier } from "../../../manager/src/plan/plan-tier";
import { describeWhere } from "../../support/describe-where";
import { putScript, putStoresOnPath } from "./programs";
import { linkTarget } from "./stack";
import { freePort } from "../../support/free-port";

const programs = putStoresOnPath();
afterAll(() => { if ("remove" in programs) programs.remove(); });

let checkout: string;
let stackDirectory: string;
let lines: string[];
const signal = new AbortController().signal;
const progress = (line: string): void => void lines.push(line);

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "bulkhead-local-stores-"));
  chmodSync(checkout, 0o755);
  stackDirectory = join(checkout, ".bulkhead", "dev");
  lines = [];
});
afterEach(async () => {
  const links = ["redis", "clickhouse"].flatMap((kind) => linkTarget(join(stackDirectory, kind, "data")) ?? []);
  await destroyStores({ stackDirectory, progress });
  for (const link of links) rmSync(dirname(link), { recursive: true, force: true });
  rmSync(checkout, { recursive: true, force: true });
});

const catalogOf = (services: Record<string, Partial<ServiceDefinition>>) => defineServices(Object.fromEntries(Object.entries(services).map(([name, service], index) => [name, { port: 4000 + index, ...service }])));
const optionsOf = (services: Record<string, Partial<ServiceDefinition>>) => ({ stackDirectory, catalog: catalogOf(services), progress });
const running = (kind: "redis" | "clickhouse") => processesOf(join(stackDirectory, kind, "data"), (name) => name.startsWith(kind)).length;

test("a catalog of which no service asks for a store starts nothing and makes nothing", async () => {
  expect(await ensureStores({ ...optionsOf({ auth: {} }), onlyKnown: false })).toEqual([]);
  expect(await openStores(optionsOf({ auth: {} }))).toEqual([]);
  expect(await stopStores({ stackDirectory, progress })).toBe(false);
  expect(existsSync(stackDirectory)).toBe(false);
});

test("a Redis that is too old is absent with its version and the command that installs another, and does not keep others from starting", async () => {
  const folder = join(checkout, "programs");
  const before = process.env["PATH"];
  mkdirSync(folder);
  const program = putScript(folder, "redis-server", 'echo "Redis server v=5.0.14 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=0"');
  try {
    process.env["PATH"] = [folder, before].join(delimiter);
    const [redis] = await ensureStores({ ...optionsOf({ auth: { redis: true } }), onlyKnown: false });
    expect(redis).toMatchObject({ kind: "redis", services: ["auth"], absence: { reason: `Redis 5.0.14 (${program}) is too old to keep services apart; that takes 7.0 or later`, fix: expect.stringMatching(/install.* && npm run up$/) as string } });
    expect(await redis!.observe()).toEqual({ token: null, findings: [] });
    expect(await redis!.validate()).toEqual([]);
    await expect(redis!.setUp("token", signal)).rejects.toMatchObject({ code: "STORE_ABSENT" });
    putScript(folder, "redis-server", "echo something else");
    const [odd] = await openStores(optionsOf({ auth: { redis: true } }));
    expect(odd!.absence?.reason).toBe(`${program} does not say which version it is: something else`);
  } finally {
    process.env["PATH"] = before;
  }
});

describeWhere("missing" in programs ? programs.missing : undefined, "the stores of a stack", () => {
  test("each is for the services that ask for it; one that none asks for any more is stopped and keeps its data", async () => {
    const both = optionsOf({ auth: { redis: true, clickhouse: true }, l2p: { redis: true }, payment: {} });
    const stores = await ensureStores({ ...both, onlyKnown: false });
    expect(stores.map(({ kind, services, absence }) => ({ kind, services, absence }))).toEqual([
      { kind: "redis", services: ["auth", "l2p"], absence: null },
      { kind: "clickhouse", services: ["auth"], absence: null },
    ]);
    expect((await openStores(both)).map(({ absence }) => absence)).toEqual([null, null]);
    await stores[0]!.setUp("token-1", signal);

    const fewer = await ensureStores({ ...optionsOf({ auth: { clickhouse: true } }), onlyKnown: false });
    expect(fewer.map(({ kind, absence }) => ({ kind, absence }))).toEqual([{ kind: "clickhouse", absence: null }]);
    expect([running("redis"), running("clickhouse")]).toEqual([0, 1]);
    const [redis] = await ensureStores({ ...both, onlyKnown: false });
    expect((await redis!.observe()).token).toBe("token-1");
    expect(await stopStores({ stackDirectory, progress })).toBe(true);
    expect([running("redis"), running("clickhouse")]).toEqual([0, 0]);
  });

  test("a preview makes none, stops none, and starts what was stopped", async () => {
    const options = optionsOf({ auth: { redis: true } });
    const [absent] = await ensureStores({ ...options, onlyKnown: true });
    expect(absent!.absence).toEqual({ reason: "Redis does not run: it was not made yet", fix: "npm run up" });
    expect(existsSync(stackDirectory)).toBe(false);
    await ensureStores({ ...options, onlyKnown: false });
    await stopStores({ stackDirectory, progress });
    const [started] = await ensureStores({ ...options, onlyKnown: true });
    expect(started!.absence).toBeNull();
    expect(await ensureStores({ ...optionsOf({ auth: {} }), onlyKnown: true })).toEqual([]);
    expect(running("redis")).toBe(1);
  });

  test("beside Postgres they are observed and validated with the tier, stopped with it, and removed with it", async () => {
    const catalog = catalogOf({ auth: { redis: true, clickhouse: true } });
    const context: TierContext = { stack: "dev", root: checkout, config: { stack: "dev", target: "local", settings: {} }, catalog: () => catalog, progress };
    await Promise.all([
      ensureServer({ directory: stackDirectory, stack: "dev", maxConnections: 60, durability: "off", preferredPort: await freePort(), progress }),
      ensureStores({ stackDirectory, catalog, progress, onlyKnown: false }),
    ]);
    try {
      const access = await target.openAccess(context);
      expect(access.stores.map(({ absence }) => absence)).toEqual([null, null]);
      for (const store of access.stores) await store.setUp("token-1", signal);
      const plan = planTier(catalog, access.facts);
      const { stores } = await access.operations.observe({ catalog, plan, root: checkout });
      expect(stores.map(({ kind, token, findings }) => ({ kind, token, findings }))).toEqual([
        { kind: "redis", token: "token-1", findings: [] },
        { kind: "clickhouse", token: "token-1", findings: [] },
      ]);
      expect(await access.storeSecrets.readStore("auth", "redis")).toMatchObject({ username: "auth", host: "localhost", ca: access.endpoint.ca });
      expect(await target.stop(context)).toBe(true);
      expect(await target.stop(context)).toBe(false);
      await expect(target.openAccess(context)).rejects.toMatchObject({ code: "TIER_NOT_RUNNING" });
    } finally {
      await target.remove(context);
    }
    expect(existsSync(stackDirectory)).toBe(false);
    expect([running("redis"), running("clickhouse")]).toEqual([0, 0]);
  });
});
