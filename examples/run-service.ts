import { resolve } from "node:path";
import { IsolatedEnvironment } from "../manager/src";
import catalog from "../services";

/** A service that is listening. */
export interface RunningService {
  readonly port: number;
  /** Lets nobody in any more, gives requests that run a moment, and closes the database. Always ends. */
  close(): Promise<void>;
}

/** What a service is started with. */
export interface ServiceOptions {
  /** The environment as this service sees it. */
  readonly environment: IsolatedEnvironment;
  /** 0: any that is free. */
  readonly port: number;
  /** Address to listen on. Default: loopback; in a container, which is reached from elsewhere only, all: 0.0.0.0. */
  readonly host?: string | undefined;
  /** How many connections its logins may have in all, as the catalog says. */
  readonly connectionLimit: number;
  /** A line for the log. */
  readonly log: (line: string) => void;
}

/** Starts a service of the catalog as a program: on its port, with the secret that `npm run up` wrote, until SIGTERM or SIGINT. */
export async function runService(name: string, start: (options: ServiceOptions) => Promise<RunningService>): Promise<void> {
  const service = catalog.services.find((entry) => entry.name === name);
  if (service === undefined) throw new Error(`${name} is not in services.ts`);
  const log = (line: string): void => console.error(`${name}: ${line}`);
  const running = await start({ environment: environmentOf(name), port: service.port, host: process.env["HOST"], connectionLimit: service.connections, log });
  log(`listening on port ${running.port}`);
  const stop = (signal: string): void => {
    log(`${signal}: closing`);
    // What must end the process ends it: a second signal does so at once, since this listener is gone.
    void running.close().then(() => log("closed"));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

/** In a cloud the platform sets the variables; here, where none is set, it is the file of the local tier. */
function environmentOf(service: string): IsolatedEnvironment {
  const environment = new IsolatedEnvironment({ service });
  const configured = (["DATABASE_URL", "DB_SECRET_FILE", "AWS_DB_SECRET", "AWS_SECRET_NAME", "GCP_DB_SECRET", "AWS_DB_HOST"] as const).some((variable) => environment.get(variable) !== undefined);
  return configured ? environment : environment.with({ DB_SECRET_FILE: resolve(__dirname, "../.bulkhead/dev/secrets", service, "app.json") });
}
