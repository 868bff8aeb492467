import { connectRetry, isPrivateAddress } from "../../../manager/src/config";

const local = { profile: "local", connect: { timeoutMs: 5_000, retries: 3 } } as const;
const production = { profile: "production", connect: { timeoutMs: 10_000, retries: 5 } } as const;
const half = () => 0.5;

test("local tries four times, production six", () => {
  expect(connectRetry(local, { serverless: false, privateHost: false, uptimeMs: 0 }).attemptsMax).toBe(4);
  expect(connectRetry(production, { serverless: false, privateHost: false, uptimeMs: 0 }).attemptsMax).toBe(6);
});

test("pauses are longer while a cold instance warms up, and longest behind a VPC connector", () => {
  const pause = (facts: { serverless: boolean; privateHost: boolean; uptimeMs: number }) => {
    const { delayMinMs, random } = connectRetry(production, facts, half);
    return delayMinMs * random();
  };
  const warm = pause({ serverless: true, privateHost: true, uptimeMs: 60_000 });
  const server = pause({ serverless: false, privateHost: true, uptimeMs: 0 });
  const cold = pause({ serverless: true, privateHost: false, uptimeMs: 59_999 });
  const connector = pause({ serverless: true, privateHost: true, uptimeMs: 0 });
  expect(warm).toBe(server);
  expect(cold).toBeGreaterThan(warm);
  expect(connector).toBeGreaterThan(cold);
});

test("a cold pause has a floor of half its length, and the deadline has room for every attempt and pause", () => {
  const options = connectRetry(production, { serverless: true, privateHost: true, uptimeMs: 0 }, () => 0);
  expect(options.random()).toBe(0.5);
  const pauses = [0, 1, 2, 3, 4].map((retry) => Math.min(options.delayMaxMs, options.delayMinMs * 2 ** retry));
  expect(options.deadlineMs).toBe(60_000 + pauses.reduce((sum, pause) => sum + pause, 0));
});

test("starting up does not draw on the budget that requests retry from", () => {
  expect(connectRetry(local, { serverless: false, privateHost: false, uptimeMs: 0 }).budget).not.toBe(connectRetry(local, { serverless: false, privateHost: false, uptimeMs: 0 }).budget);
});

test.each([["10.1.2.3", true], ["172.16.0.1", true], ["172.32.0.1", false], ["192.168.1.1", true], ["100.64.0.1", true], ["8.8.8.8", false], ["fd00::1", true], ["2001:db8::1", false], ["db.internal", false]])("%s is private: %s", (host, expected) => {
  expect(isPrivateAddress(host)).toBe(expected);
});
