import type { Command } from "commander";

import { createContext } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { InterruptedError, listenForInterrupt } from "../lib/interrupt";
import type { Output } from "../lib/output";

/** A command on a stack: told what was typed behind it, says how it ended. */
type Run<Options> = (context: CommandContext, options: Options, ...operands: string[]) => Promise<ExitCode>;

/**
 * Declares every verb. Each is a file beside this one, loaded when it is called: `conn` does not wait for Pulumi's SDK.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript */
export function registerCommands(program: Command, output: Output, exit: (code: ExitCode) => void): void {
  const on =
    <Options>(load: () => Run<Options>) =>
    async (...typed: unknown[]): Promise<void> => {
      // Commander calls with the operands, then the options, then the command.
      const command = typed.at(-1) as Command;
      const operands = typed.slice(0, -2) as string[];
      const interrupt = listenForInterrupt((line) => output.progress(line));
      try {
        const { stack } = command.optsWithGlobals<{ stack: string }>();
        exit(await load()(createContext(stack, output, interrupt.signal), command.opts<Options & object>(), ...operands));
      } catch (error) {
        output.error(interrupt.wasInterrupted() && !(error instanceof InterruptedError) ? interrupt.signal.reason : error);
        exit(interrupt.wasInterrupted() ? EXIT.interrupted : EXIT.failed);
      } finally {
        interrupt.dispose();
      }
    };

  program.command("up").description("converge the stack: server, roles, databases, secrets and schemas").action(on(() => (require("./up") as typeof import("./up")).up));
}
/* eslint-enable @typescript-eslint/no-require-imports */
