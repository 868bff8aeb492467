import { EventEmitter } from "node:events";
import { BreakerOpenError, CircuitBreaker, InProcessBreakerBus, RedisBreakerBus } from "../../../manager/src/errors";
import type { BreakerBus, CircuitBreakerOptions } from "../../../manager/src/errors";
import { TestClock, settle } from "./test-clock";

const down = () => Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
const up = () => Promise.resolve("ok");
const outcome = (promise: Promise<unknown>) => promise.then(() => "ok", (error: unknown) => (error instanceof BreakerOpenError ? "open" : "failed"));

let clock: TestClock;
const breaker = (more: Partial<CircuitBreakerOptions> = {}) => new CircuitBreaker({ name: "db:5432", clock, random: () => 1, ...more });
const fail = async (target: CircuitBreaker, times: number) => {
  for (let call = 0; call < times; call += 1) await outcome(target.execute(down));
};
beforeEach(() => {
  clock = new TestClock();
});

test("five failures open it, and then nothing is called", async () => {
  const target = breaker();
  await fail(target, 4);
  expect(target.state).toBe("closed");
  await fail(target, 1);
  expect(target.state).toBe("open");
  const call = jest.fn(up);
  await expect(target.execute(call)).rejects.toMatchObject({ code: "BREAKER_OPEN", retryAfterMs: 100 });
  expect(call).not.toHaveBeenCalled();
});

test("errors of statements say nothing about the server", async () => {
  const target = breaker();
  for (let call = 0; call < 20; call += 1) await outcome(target.execute(() => Promise.reject(Object.assign(new Error(), { code: "23505" }))));
  expect(target.state).toBe("closed");
});

test("a server that answers more often than it fails stays in use", async () => {
  const target = breaker();
  for (let round = 0; round < 30; round += 1) {
    await outcome(target.execute(up));
    await outcome(target.execute(up));
    await outcome(target.execute(down));
  }
  expect(target.state).toBe("closed");
});

test("after the pause one call probes, and the others wait for its outcome", async () => {
  const target = breaker();
  await fail(target, 5);
  await clock.advance(100);
  expect(target.state).toBe("half-open");
  let finish: (value: string) => void = () => undefined;
  const probe = target.execute(() => new Promise<string>((resolve) => (finish = resolve)));
  expect(await outcome(target.execute(up))).toBe("open");
  finish("ok");
  await probe;
  expect(target.state).toBe("closed");
  expect(await outcome(target.execute(up))).toBe("ok");
});

test("a failed probe doubles the pause up to five seconds, a success starts over", async () => {
  const target = breaker();
  await fail(target, 5);
  const pauses: number[] = [];
  for (let probe = 0; probe < 8; probe += 1) {
    const { retryAfterMs } = await target.execute(up).then(() => { throw new Error("not open"); }, (error: BreakerOpenError) => error);
    pauses.push(retryAfterMs);
    await clock.advance(retryAfterMs);
    await fail(target, 1);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  await clock.advance(5_000);
  await target.execute(up);
  await fail(target, 5);
  await expect(target.execute(up)).rejects.toMatchObject({ retryAfterMs: 100 });
});

test("an error that the server sends to the probe is a sign of life; one that never reached it leaves the question open", async () => {
  const target = breaker();
  await fail(target, 5);
  await clock.advance(100);
  await outcome(target.execute(() => Promise.reject(AbortSignal.abort().reason as Error)));
  expect(target.state).toBe("half-open");
  await outcome(target.execute(() => Promise.reject(Object.assign(new Error(), { code: "42P01" }))));
  expect(target.state).toBe("closed");
});

test("a probe that hangs does not keep others from probing for ever, and its late failure changes nothing", async () => {
  const target = breaker();
  await fail(target, 5);
  await clock.advance(100);
  let hang: (error: Error) => void = () => undefined;
  const first = outcome(target.execute(() => new Promise((_resolve, reject) => (hang = reject))));
  await clock.advance(5_000);
  expect(await outcome(target.execute(up))).toBe("ok");
  hang(Object.assign(new Error(), { code: "ECONNRESET" }));
  await first;
  expect(target.state).toBe("closed");
});

test("state changes are told with their reason", async () => {
  const changes: string[] = [];
  const target = breaker({ onStateChange: ({ from, to, reason }) => changes.push(`${from} ${to} ${reason}`) });
  await fail(target, 5);
  await clock.advance(100);
  await target.execute(up);
  expect(changes).toEqual(["closed open connect-refused", "open half-open connect-refused", "half-open closed probe succeeded"]);
});

describe("shared over a bus", () => {
  test("one service's discovery opens the breaker of another, and its recovery lets that one probe at once", async () => {
    const bus = new InProcessBreakerBus();
    const auth = breaker({ bus });
    const payment = breaker({ bus, random: () => 1 });
    const other = breaker({ bus, name: "elsewhere:5432" });
    await fail(auth, 5);
    expect([auth.state, payment.state, other.state]).toEqual(["open", "open", "closed"]);
    await clock.advance(100);
    await fail(auth, 1);
    await clock.advance(200);
    await auth.execute(up);
    expect(payment.state).toBe("half-open");
    expect(await outcome(payment.execute(up))).toBe("ok");
    expect(payment.state).toBe("closed");
  });

  test("what comes from outside cannot open it for longer than its own limit", () => {
    const bus = new InProcessBreakerBus();
    const target = breaker({ bus, openMaxMs: 1_000 });
    bus.publish({ breaker: "db:5432", state: "open", openMs: 1e12, reason: "x", source: "stranger" });
    expect(target.state).toBe("open");
    return expect(target.execute(up)).rejects.toMatchObject({ retryAfterMs: 1_000 });
  });

  test("a bus that fails costs only the sharing", async () => {
    const bad: BreakerBus = { publish: () => Promise.reject(new Error("redis is down")), subscribe: () => () => undefined };
    const target = breaker({ bus: bad });
    await fail(target, 5);
    await settle();
    expect(target.state).toBe("open");
  });

  test("close ends the subscription", async () => {
    const bus = new InProcessBreakerBus();
    const [a, b] = [breaker({ bus }), breaker({ bus })];
    b.close();
    await fail(a, 5);
    expect(b.state).toBe("closed");
  });

  /** Two ways in which Redis clients hand over messages. */
  const channels = new Map<string, Set<(message: string) => void>>();
  const publisher = { publish: (channel: string, message: string) => { channels.get(channel)?.forEach((deliver) => deliver(message)); return Promise.resolve(1); } };
  const listen = (channel: string, deliver: (message: string) => void) => channels.set(channel, (channels.get(channel) ?? new Set()).add(deliver));
  class LikeIoredis extends EventEmitter {
    subscribe(channel: string, callback: (error: unknown, count: unknown) => void): Promise<unknown> {
      listen(channel, (message) => this.emit("message", channel, message));
      callback(null, 1);
      return Promise.resolve(1);
    }
    unsubscribe(): Promise<unknown> { return Promise.resolve(1); }
  }
  class LikeNodeRedis extends EventEmitter {
    subscribe(channel: string, listener: (message: unknown, channel: unknown) => void): Promise<unknown> {
      listen(channel, (message) => listener(message, channel));
      return Promise.resolve();
    }
    unsubscribe(): Promise<unknown> { return Promise.resolve(); }
  }

  test("Redis carries it between clients of both kinds, and nonsense on the channel is ignored", async () => {
    const buses = [new RedisBreakerBus({ publisher, subscriber: new LikeIoredis() }), new RedisBreakerBus({ publisher, subscriber: new LikeNodeRedis() })];
    const [a, b] = buses.map((bus) => breaker({ bus })) as [CircuitBreaker, CircuitBreaker];
    for (const nonsense of ["", "{", "null", "[]", '{"breaker":"db:5432","state":"open","openMs":"x","reason":"","source":""}', '{"breaker":"db:5432","state":"open","openMs":-1,"reason":"","source":""}']) await publisher.publish("bulkhead:breakers", nonsense);
    expect([a.state, b.state]).toEqual(["closed", "closed"]);
    await fail(b, 5);
    await settle();
    expect([a.state, b.state]).toEqual(["open", "open"]);
    await Promise.all(buses.map((bus) => bus.close()));
  });

  test("a Redis that refuses is told to onError", async () => {
    const onError = jest.fn();
    const refused = () => Promise.reject(new Error("refused"));
    const bus = new RedisBreakerBus({ publisher: { publish: refused }, subscriber: Object.assign(new EventEmitter(), { subscribe: refused, unsubscribe: refused }), onError });
    const target = breaker({ bus });
    await fail(target, 5);
    await settle();
    expect(onError).toHaveBeenCalledTimes(2);
  });
});
