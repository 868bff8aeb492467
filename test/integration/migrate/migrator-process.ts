import { readFileSync } from "node:fs";
import { migrate } from "../../../manager/src/migrate";
import type { MigrateOptions } from "../../../manager/src/migrate";

/** A migrator in a process of its own: reads its options from the file that it is given, and prints what it applied as JSON. */
migrate(JSON.parse(readFileSync(process.argv[2]!, "utf8")) as MigrateOptions).then(
  ({ applied }) => process.stdout.write(JSON.stringify(applied.map(({ version }) => version))),
  (error: Error) => {
    process.stderr.write(error.message);
    process.exitCode = 1;
  },
);
