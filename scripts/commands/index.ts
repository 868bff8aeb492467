import { setImmediate } from "node:timers/promises";

import { Option } from "commander";
import type { Command } from "commander";

import { changeTarget } from "../lib/change-target";
import { createContext } from "../lib/command-context";
import type { CommandContext } from "../lib/command-context";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { InterruptedError, listenForInterrupt } from "../lib/interrupt";
import type { Output } from "../lib/output";
import { UsageError } from "../lib/usage-error";

/** A command on a stack: told what was typed behind it, says how it ended. */
type Run = (context: CommandContext, options: never, ...operands: string[]) => Promise<ExitCode>;

/**
 * Declares every verb. Each is a file beside this one, loaded when it is called: `conn` does not wait for Pulumi's SDK.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript */
export function registerCommands(program: Command, output: Output, exit: (code: ExitCode) => void): void {
  const on =
    (load: () => Run) =>
    async (...typed: unknown[]): Promise<void> => {
      // Commander calls with the operands, then the options, then the command.
      const command = typed.at(-1) as Command;
      const operands = typed.slice(0, -2) as string[];
      const interrupt = listenForInterrupt((line) => output.progress(line));
      try {
        const { stack, target } = command.optsWithGlobals<{ stack: string; target?: string }>();
        const context = createContext(stack, output, interrupt.signal);
        if (target !== undefined && target !== context.config.target) await changeTarget(context, target, command.name());
        exit(await load()(target === undefined ? context : createContext(stack, output, interrupt.signal), command.opts<never>(), ...operands));
      } catch (error) {
        // Ctrl-C reaches helpers of this process too, whose end may show as an error before the signal itself is heard of.
        await setImmediate();
        output.error(interrupt.wasInterrupted() && !(error instanceof InterruptedError) ? interrupt.signal.reason : error);
        exit(interrupt.wasInterrupted() ? EXIT.interrupted : error instanceof UsageError ? EXIT.usage : EXIT.failed);
      } finally {
        interrupt.dispose();
      }
    };

  const login = (): Option => new Option("-r, --role <login>", "which of the service's logins").choices(["app", "migrator", "readonly"]).default("app");

  program.command("up").description("converge the stack: server, roles, databases, secrets and schemas").action(on(() => (require("./up") as typeof import("./up")).up));
  program.command("preview").description("show what up would change, in the engine's state and inside the database").action(on(() => (require("./preview") as typeof import("./preview")).preview));
  program
    .command("down")
    .description("stop the server and keep the data")
    .option("--destroy", "remove the stack with its data, logs and secrets, after the stack's name was typed")
    .option("--yes", "do not ask")
    .action(on(() => (require("./down") as typeof import("./down")).down));
  program.command("status").description("per service: database, size, connections, schema version, next action").action(on(() => (require("./status") as typeof import("./status")).status));
  program.command("validate").description("prove from the inside that every compartment is watertight").action(on(() => (require("./validate") as typeof import("./validate")).validate));
  program.command("provision").description("heal what differs inside the database, without the engine").argument("[service]").action(on(() => (require("./provision") as typeof import("./provision")).provision));
  program
    .command("doctor")
    .description("what this machine has and lacks, with the command that mends it")
    .action(
      // Not on a context: a stack that cannot be read is one of the things that doctor reports.
      async (_options: unknown, command: Command) => {
        const interrupt = listenForInterrupt((line) => output.progress(line));
        try {
          exit(await (require("./doctor") as typeof import("./doctor")).doctor(command.optsWithGlobals<{ stack: string }>().stack, output, interrupt.signal));
        } finally {
          interrupt.dispose();
        }
      },
    );
  program.command("conn").description("print a connection URI (with the password)").argument("[service]").addOption(login()).option("--admin", "the tier's admin instead of a service").action(on(() => (require("./conn") as typeof import("./conn")).conn));
  program.command("env").description("print a service's environment as lines (with the password)").argument("<service>").addOption(login()).action(on(() => (require("./env") as typeof import("./env")).env));
  program.command("shell").description("open psql in a service's database, read-only").argument("<service>").option("--write", "as the service's own login").action(on(() => (require("./shell") as typeof import("./shell")).shell));
  program
    .command("logs")
    .description("the last lines of a log, with what is logged from now on if asked")
    .argument("[of]", "postgres, redis, clickhouse, or a service that the target runs", "postgres")
    .option("-f, --follow", "go on until Ctrl-C")
    .option("-n, --lines <number>", "how many of the last lines", "100")
    .action(on(() => (require("./logs") as typeof import("./logs")).logs));
  program
    .command("adopt")
    .description("make the databases of a Docker volume that was made by hand into compartments")
    .requiredOption("--volume <name>", "the volume")
    .option("--superuser <name>", "its superuser: what POSTGRES_USER was (default: the stack's setting, else postgres)")
    .option("--baseline <service=number...>", "vouch for a service's migrations up to that number")
    .option("--dry-run", "show what would be done, and do nothing")
    .option("--yes", "do not ask")
    .action(on(() => (require("./adopt") as typeof import("./adopt")).adopt));
  program.command("prune").description("remove the compartment of a service that has left the catalog").argument("<service>").option("--yes", "do not ask").action(on(() => (require("./prune") as typeof import("./prune")).prune));

  program
    .command("export")
    .description("write what the stack declares for other tools")
    .command("terraform")
    .description("as a Terraform configuration and a plan, for scanners; nothing is asked of the cloud")
    .option("--out <folder>", "where to write (default: .bulkhead/<stack>/terraform)")
    .action(on(() => (require("./export") as typeof import("./export")).exportTerraform));

  const migrate = program.command("migrate").description("a service's schema migrations");
  const migrations = (): typeof import("./migrate") => require("./migrate") as typeof import("./migrate");
  migrate.command("create").description("write the files of the next migration").argument("<service>").argument("<name>", "lower-case words joined by _").action(on(() => migrations().create));
  migrate.command("up").description("apply what is pending").argument("<service>").action(on(() => migrations().up));
  migrate.command("status").description("show each migration and what is wrong").argument("<service>").action(on(() => migrations().status));
  migrate.command("rollback").description("undo the newest migration").argument("<service>").option("--to <number>", "undo all above this one").action(on(() => migrations().rollback));
}
/* eslint-enable @typescript-eslint/no-require-imports */
