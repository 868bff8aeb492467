import { IsolatedEnvironment } from "../../../manager/src/config";
import { capacityOf, poolMaxWithin, readPoolSize } from "../../../manager/src/config/pool-size";
import { Settings } from "../../../manager/src/config/settings";
import fc from "../../support/fast-check";

const settingsOf = (variables: Record<string, string>) => new Settings(new IsolatedEnvironment({ service: "auth", source: variables }));
const sizeOf = (variables: Record<string, string>, bounds: { connectionLimit?: number; instancesMax?: number } = {}) => {
  const settings = settingsOf(variables);
  const size = readPoolSize(settings, { connectionLimit: bounds.connectionLimit, instancesMax: bounds.instancesMax ?? 1, capacity: capacityOf(settings) });
  return { ...size, problems: settings.problems.map(({ variable }) => variable) };
};

test("without any word it is 2 to 20, which fits the catalog's default of 40 connections", () => {
  expect(sizeOf({}, { connectionLimit: 40 })).toEqual({ min: 2, max: 20, problems: [] });
});

test("a default is lowered to the budget and to what the instance can use", () => {
  expect(sizeOf({}, { connectionLimit: 40, instancesMax: 4 })).toEqual({ min: 2, max: 5, problems: [] });
  expect(sizeOf({}, { connectionLimit: 3 })).toEqual({ min: 1, max: 1, problems: [] });
  expect(sizeOf({ K_SERVICE: "auth" })).toEqual({ min: 0, max: 5, problems: [] });
  expect(sizeOf({ AWS_LAMBDA_FUNCTION_NAME: "auth" })).toEqual({ min: 0, max: 1, problems: [] });
});

test("a size that somebody set is kept or refused, never changed", () => {
  expect(sizeOf({ K_SERVICE: "auth", DB_MAX_CONNECTIONS: "12", DB_MIN_CONNECTIONS: "1" })).toEqual({ min: 1, max: 12, problems: [] });
  expect(sizeOf({ DB_MAX_CONNECTIONS: "11" }, { connectionLimit: 40, instancesMax: 2 })).toMatchObject({ max: 11, problems: ["DB_MAX_CONNECTIONS"] });
  expect(sizeOf({ DB_MIN_CONNECTIONS: "9", DB_MAX_CONNECTIONS: "8" }).problems).toEqual(["DB_MIN_CONNECTIONS"]);
});

test("a budget in which not one connection an instance fits is refused, also for the default", () => {
  expect(sizeOf({}, { connectionLimit: 5, instancesMax: 3 }).problems).toEqual(["DB_MAX_CONNECTIONS"]);
});

test.each(["-1", "0x10", "1e2", "2.5", "abc", "99999", "1 2", "٣"])("%j is no number of connections", (text) => {
  expect(sizeOf({ DB_MAX_CONNECTIONS: text }).problems).toContain("DB_MAX_CONNECTIONS");
});

test("whatever is accepted, the pools of a rollout fit the login's limit, and one more connection each would not where the budget decided", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 20 }), fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }), (connectionLimit, instancesMax, wanted) => {
      const { max, min, problems } = sizeOf(wanted === undefined ? {} : { DB_MAX_CONNECTIONS: String(wanted) }, { connectionLimit, instancesMax });
      const fits = (wanted ?? 1) * instancesMax * 2 <= connectionLimit;
      expect(problems.includes("DB_MAX_CONNECTIONS")).toBe(!fits);
      if (!fits) return;
      expect(max * instancesMax * 2).toBeLessThanOrEqual(connectionLimit);
      expect(min).toBeLessThanOrEqual(max);
      if (wanted === undefined && max < 20) expect((max + 1) * instancesMax * 2).toBeGreaterThan(connectionLimit);
      expect(poolMaxWithin(connectionLimit, instancesMax)).toBeGreaterThanOrEqual(max);
    }),
  );
});
