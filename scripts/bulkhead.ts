// First: what it defers must not be loaded yet.
import "./engine/later-packages";
import { Command, CommanderError, Option } from "commander";

import { version } from "../package.json";
import { registerCommands } from "./commands";
import { EXIT } from "./lib/exit-codes";
import { createOutput, OUTPUT_FORMATS } from "./lib/output";
import type { OutputFormat } from "./lib/output";

/** The format that was asked for, also when the rest of the line is wrong. */
function formatOf(argv: readonly string[]): OutputFormat {
  const asked = argv.map((argument, index) => (argument.startsWith("--output=") ? argument.slice("--output=".length) : argument === "--output" || argument === "-o" ? argv[index + 1] : undefined)).find((value) => value !== undefined);
  return OUTPUT_FORMATS.find((format) => format === asked) ?? "text";
}

async function main(argv: readonly string[]): Promise<number> {
  const output = createOutput(formatOf(argv));
  const program = new Command("bulkhead")
    .description("Every service in its own watertight compartment on one Postgres tier.")
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => void process.stderr.write(text) })
    .addOption(new Option("-s, --stack <name>", "the stack to work on: Pulumi.<name>.yaml").default("dev"))
    .addOption(new Option("-t, --target <name>", "where the tier lives: up changes the stack to it, other verbs make sure that it is so"))
    .addOption(new Option("-o, --output <format>", "what stdout carries").choices([...OUTPUT_FORMATS]).default("text"))
    .exitOverride()
    .showHelpAfterError("(bulkhead --help shows all commands)");
  let exitCode: number = EXIT.done;
  registerCommands(program, output, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    // Help and version end this way too, with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    throw error;
  }
  return exitCode;
}

// Whoever reads the output may leave before its end (`| head`). The command goes on; without these, an error handler that writes would be
// called for its own error, for ever.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

/** Ends the process when all is written: what an engine that was stopped halfway leaves open would keep it for ever. */
function end(code: number): void {
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

main(process.argv.slice(2)).then(end, (error: unknown) => {
  createOutput(formatOf(process.argv)).error(error);
  end(EXIT.failed);
});
