import { setMaxListeners } from "node:events";

/** Node warns of ten listeners, which may be a leak; a command has as many as it does things side by side. */
const LISTENERS_MAX = 200;

/** How Ctrl-C reaches a command. */
export interface Interrupt {
  /** Aborts when the command shall stop. */
  readonly signal: AbortSignal;
  /** Whether it was asked to. */
  readonly wasInterrupted: () => boolean;
  /** Stops listening; the process can end. */
  readonly dispose: () => void;
}

/**
 * The first SIGINT or SIGTERM asks the command to stop after the step under way; the second ends the process at once, which every command
 * survives too.
 */
export function listenForInterrupt(progress: (line: string) => void): Interrupt {
  const controller = new AbortController();
  setMaxListeners(LISTENERS_MAX, controller.signal);
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(130);
    progress("stopping after the step that is under way; once more to stop at once");
    controller.abort(new InterruptedError(signal));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    wasInterrupted: () => controller.signal.aborted,
    dispose: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** The reason of the signal when a person stopped the command. */
export class InterruptedError extends Error {
  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
    this.name = "InterruptedError";
  }
}
