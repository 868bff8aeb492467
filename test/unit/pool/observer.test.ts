import { GuardedObserver } from "../../../manager/src/pool/observer";

test("a method that throws is switched off, the others go on, and nobody else notices", () => {
  const heard: string[] = [];
  const observer = new GuardedObserver({
    onAcquire: () => {
      heard.push("acquire");
      throw new Error("a bug in the monitor");
    },
    onRelease: () => void heard.push("release"),
  });
  observer.onAcquire(1, 0);
  observer.onAcquire(1, 0);
  observer.onRelease(1, undefined, 0);
  observer.onConnect(1);
  expect(heard).toEqual(["acquire", "release"]);
});

test("a method keeps its object", () => {
  class Monitor {
    waitMs = 0;
    onAcquire(waitMs: number): void {
      this.waitMs += waitMs;
    }
  }
  const monitor = new Monitor();
  new GuardedObserver(monitor).onAcquire(3, 0);
  expect(monitor.waitMs).toBe(3);
});
