import { DatabaseUrlError } from "../../../manager/src/url";

/** The DatabaseUrlError that `run` throws; fails the test where it throws none, or something else. */
export function caught(run: () => unknown): DatabaseUrlError {
  try {
    run();
  } catch (error) {
    if (error instanceof DatabaseUrlError) return error;
    throw error;
  }
  throw new Error("expected a DatabaseUrlError, but nothing was thrown");
}
