import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { ErrorCorrelator, EscalationPolicy, classifyError, fingerprintError, webhookAlert } from "../../../manager/src/errors";
import type { Alert } from "../../../manager/src/errors";
import { TestClock } from "./test-clock";

const error = (code: string, message = "") => classifyError(Object.assign(new Error(message), { code }));
let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
});

describe("ErrorCorrelator", () => {
  test("errors that differ only in values are one group, across requests", () => {
    const correlator = new ErrorCorrelator({ clock });
    correlator.record(error("42P01", 'relation "orders_2024" does not exist'), { request: "a", operation: "GET /orders" });
    correlator.record(error("42P01", 'relation "orders_2025" does not exist'), { request: "b", operation: "GET /orders" });
    const group = correlator.record(error("42P01", 'relation "users" does not exist'), { request: "b", operation: "GET /users" });
    expect(group).toMatchObject({ count: 3, requests: 2, operations: ["GET /orders", "GET /users"] });
    expect(correlator.record(error("42501"), {}).count).toBe(1);
    expect(correlator.groups().map(({ count }) => count)).toEqual([3, 1]);
  });

  test("what is older than the window no longer counts", async () => {
    const correlator = new ErrorCorrelator({ clock, windowMs: 60_000 });
    correlator.record(error("40P01"));
    await clock.advance(40_000);
    expect(correlator.record(error("40P01")).count).toBe(2);
    await clock.advance(30_000);
    expect(correlator.groups()[0]?.count).toBe(1);
    await clock.advance(60_000);
    expect(correlator.groups()).toEqual([]);
  });

  test("the number of groups, requests and operations is bounded", () => {
    const correlator = new ErrorCorrelator({ clock, groupsMax: 3 });
    for (const code of ["42P01", "42703", "42501", "40P01"]) correlator.record(error(code));
    expect(correlator.groups()).toHaveLength(3);
    for (let request = 0; request < 500; request += 1) correlator.record(error("40P01"), { request: String(request), operation: String(request) });
    expect(correlator.groups()[0]).toMatchObject({ count: 501, requests: 100 });
    expect(correlator.groups()[0]?.operations).toHaveLength(10);
  });

  test("a fingerprint has no values in it and a bounded length", () => {
    expect(fingerprintError(error("23505", "Key 17 of 'x' at 0f8fad5b-d9cb-469f-a165-70867728950e"))).toBe("constraint/unique/23505/Key ? of ? at ?");
    expect(fingerprintError(error("23505", "x".repeat(5_000))).length).toBe(300);
  });
});

describe("EscalationPolicy", () => {
  test("five in the window are a warning, twenty critical, and each level is told once", () => {
    const alerts: Alert[] = [];
    const policy = new EscalationPolicy({ clock, onAlert: (alert) => void alerts.push(alert) });
    for (let count = 1; count <= 40; count += 1) policy.record(error("ECONNREFUSED"));
    expect(alerts.map(({ level, group }) => [level, group.count])).toEqual([["warning", 5], ["critical", 20]]);
  });

  test("what needs a person is told with the first, and again after a while", async () => {
    const levels: string[] = [];
    const policy = new EscalationPolicy({ clock, onAlert: ({ level }) => void levels.push(level), repeatMs: 300_000 });
    policy.record(error("28P01"));
    policy.record(error("28P01"));
    policy.record(error("42501"));
    expect(levels).toEqual(["critical", "warning"]);
    await clock.advance(300_000);
    policy.record(error("28P01"));
    expect(levels).toEqual(["critical", "warning", "critical"]);
  });

  test("a handler that throws or rejects harms nobody", async () => {
    const failures: unknown[] = [];
    for (const onAlert of [() => { throw new Error("a"); }, () => Promise.reject(new Error("b"))]) {
      new EscalationPolicy({ clock, onAlert, onHandlerError: (reason) => failures.push(reason) }).record(error("28P01"));
    }
    await clock.advance(0);
    expect(failures).toEqual([new Error("a"), new Error("b")]);
  });

  test("warnings of the server and successes are no errors", () => {
    expect(new EscalationPolicy({ clock, onAlert: () => undefined, warningAt: 1 }).record(error("01000"))).toBeUndefined();
  });
});

describe("webhookAlert", () => {
  const statuses: number[] = [];
  const bodies: string[] = [];
  let server: http.Server;
  let url: string;
  beforeAll(async () => {
    server = http.createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        bodies.push(body);
        const status = statuses.shift() ?? 200;
        if (status !== 0) response.writeHead(status).end();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/T0PS3CRET`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  beforeEach(() => {
    statuses.length = 0;
    bodies.length = 0;
  });
  const alert = (): Alert => {
    let found: Alert | undefined;
    new EscalationPolicy({ clock, onAlert: (each) => void (found = each) }).record(error("28P01", "postgres://u:hunter2@h failed"), { operation: "connect password=hunter2" });
    if (found === undefined) throw new Error("no alert");
    return found;
  };

  test("posts the group without secrets", async () => {
    await webhookAlert({ url })(alert());
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({ level: "critical", kind: "password-wrong", code: "28P01", count: 1 });
    expect(bodies[0]).not.toContain("hunter2");
  });

  test("tries again after a 503, not after a 404, and never names its address", async () => {
    statuses.push(503, 200);
    await webhookAlert({ url })(alert());
    expect(bodies).toHaveLength(2);
    statuses.push(404);
    const failure = await webhookAlert({ url })(alert()).catch((reason: unknown) => reason as Error & { code: string });
    expect(failure).toMatchObject({ code: "WEBHOOK_FAILED", message: "The alert could not be posted: the answer was 404" });
    expect(bodies).toHaveLength(3);
    const unreachable = await webhookAlert({ url: "http://127.0.0.1:1/T0PS3CRET", attemptsMax: 1 })(alert()).catch(String);
    expect(unreachable).not.toContain("T0PS3CRET");
  });

  test("a receiver that does not answer ends with the time limit, and no more than four alerts wait for it", async () => {
    statuses.push(0, 0, 0, 0);
    const send = webhookAlert({ url, timeoutMs: 200, attemptsMax: 1 });
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => send(alert())));
    expect(results.map((result) => (result.status === "rejected" ? (result.reason as { code: string }).code : "sent"))).toEqual(["WEBHOOK_FAILED", "WEBHOOK_FAILED", "WEBHOOK_FAILED", "WEBHOOK_FAILED", "WEBHOOK_BUSY"]);
  });
});
