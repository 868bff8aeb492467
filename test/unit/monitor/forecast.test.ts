import { demandTrend, limitForecast } from "../../../manager/src/monitor/forecast";
import type { Minute } from "../../../manager/src/monitor/activity";
import { trendOf } from "../../../manager/src/monitor/trend";
import { Traffic, randomOf } from "./traffic";

/** Normal by the sum of twelve. */
function noise(random: () => number): number {
  let sum = -6;
  for (let index = 0; index < 12; index++) sum += random();
  return sum;
}

describe("trendOf", () => {
  test("finds a line through noise, and its interval holds the true slope in about 95 of 100", () => {
    let held = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomOf(seed);
      const trend = trendOf(Array.from({ length: 30 }, (_, step) => 5 + 0.2 * step + noise(random)));
      if (trend.slopeLow <= 0.2 && 0.2 <= trend.slopeHigh) held++;
    }
    expect(held).toBeGreaterThanOrEqual(180);
  });

  test("is not moved by a quarter of wild values", () => {
    const random = randomOf(7);
    const values = Array.from({ length: 40 }, (_, step) => 3 + 0.5 * step + 0.1 * noise(random));
    const trend = trendOf(values.map((value, step) => (step % 4 === 0 ? value + 100 * random() : value)));
    expect(trend.slope).toBeCloseTo(0.5, 0);
  });

  test("is seldom sure of flat noise", () => {
    let sure = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomOf(seed);
      if (trendOf(Array.from({ length: 30 }, () => 10 + noise(random))).confidence >= 0.99) sure++;
    }
    expect(sure).toBeLessThanOrEqual(6);
  });

  test("a series that never changes has no trend", () => {
    expect(trendOf(Array.from({ length: 30 }, () => 4))).toMatchObject({ slope: 0, level: 4, confidence: expect.closeTo(0, 5) as number });
  });
});

describe("demand", () => {
  const minute = (arrivals: number, holdMs: number): Minute => ({ arrivals, released: arrivals, holdMs: arrivals * holdMs, busy: 0 });

  test("is Little's law: 600 callers a minute that hold 500 ms each need 5 connections", () => {
    expect(demandTrend(Array.from({ length: 30 }, () => minute(600, 500)))).toMatchObject({ demand: expect.closeTo(5, 5) as number, perMinute: 0 });
  });

  test("counts callers that got none too: it goes on rising when the pool is full", () => {
    const refused = (arrivals: number): Minute => ({ arrivals, released: 600, holdMs: 300_000, busy: 5 });
    expect(demandTrend(Array.from({ length: 30 }, () => refused(1_200)))?.demand).toBeCloseTo(10);
  });

  test("fewer than 15 minutes give no forecast, and nothing is said beyond twice the time that was seen", () => {
    const ramp = (count: number): Minute[] => Array.from({ length: count }, (_, at) => minute(600 + at, 500));
    expect(demandTrend(ramp(14))).toBeUndefined();
    const trend = demandTrend(ramp(20));
    expect(trend?.perMinute).toBeGreaterThan(0);
    expect(limitForecast(trend!, 20).inMs).toBeUndefined();
    expect(limitForecast(trend!, 5.4).inMs).toBeGreaterThan(0);
  });
});

describe("ConnectionMonitor.forecast", () => {
  // Slopes, holds and seeds that no constant was chosen by.
  test.each([
    { seed: 11, fromPerSecond: 20, perSecondAMinute: 0.35, holdMs: 200 },
    { seed: 12, fromPerSecond: 8, perSecondAMinute: 0.12, holdMs: 450 },
    { seed: 13, fromPerSecond: 40, perSecondAMinute: 1.1, holdMs: 90 },
    { seed: 14, fromPerSecond: 3, perSecondAMinute: 0.04, holdMs: 1_500 },
    { seed: 15, fromPerSecond: 30, perSecondAMinute: 0.9, holdMs: 130 },
  ])("on a ramp, half way, says when the pool will be full within a quarter: %p", ({ seed, fromPerSecond, perSecondAMinute, holdMs }) => {
    const traffic = new Traffic({ seed });
    const fullAtMinute = ((20 * 1_000) / holdMs - fromPerSecond) / perSecondAMinute;
    const watched = Math.floor(fullAtMinute / 2);
    traffic.run(watched, (minute) => fromPerSecond + perSecondAMinute * minute, holdMs);
    const forecast = traffic.monitor.forecast();
    const trueMs = (fullAtMinute - watched) * 60_000;
    expect(forecast.confidence).toBeGreaterThan(0.8);
    expect(Math.abs((forecast.pool?.inMs ?? Infinity) - trueMs) / trueMs).toBeLessThan(0.25);
    expect(forecast.pool?.earliestMs ?? Infinity).toBeLessThanOrEqual(forecast.pool?.inMs ?? 0);
  });

  test("scores itself: on a ramp it beats saying that nothing changes", () => {
    const traffic = new Traffic({ seed: 21 });
    traffic.run(150, (minute) => 20 + 0.4 * minute);
    const { score } = traffic.monitor.forecast();
    expect(score.judged).toBeGreaterThan(100);
    expect(score.meanError).toBeLessThan(0.6 * score.meanErrorOfNoChange);
    expect(score.held).toBeGreaterThan(0.8);
  });

  test("flat noise alarms in no minute of six runs of two hours", () => {
    for (let seed = 31; seed <= 36; seed++) {
      const traffic = new Traffic({ seed });
      for (let minute = 0; minute < 120; minute++) {
        traffic.run(1, () => 15, 800);
        expect(traffic.monitor.getHealthStatus().reasons.map(({ code }) => code)).not.toContain("forecast");
      }
    }
  });

  test("the budget is shared by the instances", () => {
    const traffic = new Traffic({ seed: 41, budget: { connections: 30, instances: 3 } });
    traffic.run(60, (minute) => 10 + 0.4 * minute);
    const { pool, budget } = traffic.monitor.forecast();
    expect(budget?.limit).toBe(10);
    expect(budget?.inMs ?? Infinity).toBeLessThan(pool?.inMs ?? Infinity);
  });

  test("a pool that will be full within half an hour is a warning, with the time", () => {
    const traffic = new Traffic({ seed: 51 });
    traffic.run(80, (minute) => 20 + 0.8 * minute);
    expect(traffic.monitor.getHealthStatus().reasons).toContainEqual({ code: "forecast", level: "warning", message: expect.stringMatching(/^The pool \(20 connections\) will be full in about \d+ minutes\.$/) as string });
  });
});
