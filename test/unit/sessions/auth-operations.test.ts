import { AuthOperations } from "../../../manager/src/auth-metrics";
import { EscalationPolicy } from "../../../manager/src/errors";
import type { Alert } from "../../../manager/src/errors";
import { TestClock } from "../errors/test-clock";

function made(): { clock: TestClock; alerts: Alert[]; auth: AuthOperations } {
  const clock = new TestClock();
  const alerts: Alert[] = [];
  const escalation = new EscalationPolicy({ clock, warningAt: Infinity, criticalAt: Infinity, onAlert: (alert) => void alerts.push(alert) });
  return { clock, alerts, auth: new AuthOperations({ clock, escalation }) };
}
const times = (count: number, run: () => void): void => {
  for (let index = 0; index < count; index++) run();
};

test("each operation is counted by outcome and reason", async () => {
  const { auth } = made();
  await auth.measure("login", () => 1);
  await expect(auth.measure("login", () => Promise.reject(new Error("x")), () => "wrong-password")).rejects.toThrow("x");
  auth.failed("token", "expired");
  expect(auth.stats()).toMatchObject({
    login: { succeeded: 1, failed: 1, reasons: { "wrong-password": 1 }, attempts: 2, failureRate: 0.5 },
    token: { succeeded: 0, failed: 1, reasons: { expired: 1 } },
    session: { succeeded: 0, failed: 0, attempts: 0, failureRate: 0 },
  });
});

test("a few failures are no alert, many among few successes are a warning, nearly all are critical, and each is said once", () => {
  const { auth, alerts } = made();
  times(19, () => auth.failed("token", "expired"));
  expect(alerts).toEqual([]);
  times(40, () => auth.succeeded("login"));
  times(17, () => auth.failed("login", "wrong-password"));
  expect(alerts).toEqual([]);
  times(5, () => auth.failed("login", "wrong-password"));
  expect(alerts.map(({ level, group }) => [level, group.error.kind])).toEqual([["warning", "auth-login-failure-rate"]]);
  times(100, () => auth.failed("login", "wrong-password"));
  expect(alerts.map(({ level }) => level)).toEqual(["warning", "critical"]);
});

test("what lies outside the window does not count", async () => {
  const { auth, alerts, clock } = made();
  times(19, () => auth.failed("login", "wrong-password"));
  await clock.advance(61_000);
  auth.failed("login", "wrong-password");
  expect(auth.stats().login).toMatchObject({ attempts: 1, failed: 20 });
  expect(alerts).toEqual([]);
});

test("reasons are bounded, also when somebody puts names of users there", () => {
  const { auth } = made();
  times(1_000, () => auth.failed("login", `user ${Math.random()}`));
  expect(Object.keys(auth.stats().login.reasons)).toHaveLength(21);
});
