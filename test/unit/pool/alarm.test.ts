import { Alarm, now } from "../../../manager/src/pool/alarm";
import { LeakDetector, stackOf } from "../../../manager/src/pool/leak";

/** Resolves when the alarm rings, with how late it says it is. */
function ringing(): { alarm: Alarm; rung: Promise<number> } {
  let ring: (lateMs: number) => void = () => undefined;
  const rung = new Promise<number>((resolve) => (ring = resolve));
  const alarm = new Alarm((lateMs) => ring(lateMs));
  alarm.keepProcessAlive(true);
  return { alarm, rung };
}

test("it rings for the earliest moment it was armed for", async () => {
  const { alarm, rung } = ringing();
  const startedAt = now();
  alarm.arm(startedAt + 60_000);
  alarm.arm(startedAt + 5);
  alarm.arm(startedAt + 30_000);
  await rung;
  expect(now() - startedAt).toBeGreaterThanOrEqual(3);
  alarm.stop();
});

test("it says how long the event loop was blocked", async () => {
  const { alarm, rung } = ringing();
  alarm.arm(now() + 5);
  const until = now() + 120;
  while (now() < until);
  expect(await rung).toBeGreaterThan(80);
});

test("once stopped it is silent", async () => {
  const { alarm, rung } = ringing();
  alarm.arm(now() + 1);
  alarm.stop();
  const first = await Promise.race([rung.then(() => "rang"), new Promise((resolve) => setTimeout(resolve, 20, "silent"))]);
  expect(first).toBe("silent");
});

test("the leak detector samples, and remembers each place once armed", () => {
  const detector = new LeakDetector(false);
  const acquire = (nowMs: number): Error | undefined => detector.site(nowMs);
  const sampled = Array.from({ length: 512 }, () => acquire(0)).filter((site) => site !== undefined);
  expect(sampled).toHaveLength(2);
  detector.arm(0);
  expect(stackOf(acquire(1))).toContain("alarm.test.ts");
  expect(stackOf(acquire(1))).not.toContain("leak.ts");
  expect(Array.from({ length: 255 }, () => acquire(10 * 60_000)).filter((site) => site !== undefined).length).toBeLessThanOrEqual(1);
});
