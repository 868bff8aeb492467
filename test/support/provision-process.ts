/**
 * A provisioner in a process of its own, to be raced and killed: `node -r tsx/cjs provision-process.ts <JSON>`. Prints how many changes it
 * made. With `killAfterQueries` it ends itself by SIGKILL right behind the sending of that query: the server may or may not have run it.
 */
import type { ServiceDefinition } from "../../manager/src/catalog/catalog";
import { defineServices } from "../../manager/src/catalog/define-services";
import { provision } from "../../manager/src/provision/provision";
import type { TestServer } from "./server";
import { provisionOptions, testPlan } from "./tier";

export interface ProvisionProcessInput {
  readonly server: Omit<TestServer, "stop">;
  readonly services: Readonly<Record<string, ServiceDefinition>>;
  readonly killAfterQueries?: number;
}

async function main({ server, services, killAfterQueries = Infinity }: ProvisionProcessInput): Promise<void> {
  const options = provisionOptions(server);
  let sent = 0;
  const report = await provision(testPlan(defineServices(services)), {
    ...options,
    openSession: async (database) => {
      const client = await options.openSession(database);
      const send = client.query.bind(client) as (...args: unknown[]) => unknown;
      const counted = (...args: unknown[]): unknown => {
        const answer = send(...args);
        // Let the query leave the process first.
        if (++sent >= killAfterQueries) setImmediate(() => process.kill(process.pid, "SIGKILL"));
        return answer;
      };
      return Object.assign(client, { query: counted as typeof client.query });
    },
  });
  process.stdout.write(JSON.stringify({ changes: report.changes.length, credentials: report.credentials.length, queries: sent }));
}

main(JSON.parse(process.argv[2]!) as ProvisionProcessInput).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
