/** What the command's exit code says, for scripts. Part of the command line's contract: docs/command-line.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  checkFellShort: 3,
  /** As shells count: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
