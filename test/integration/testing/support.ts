import { join, resolve } from "node:path";
import { clientConfig, openSession } from "../../../manager/src/postgres/connect";
import type { TestDatabaseServer, TestService } from "../../../manager/src/testing";
import type { TestServer } from "../../support/server";

/** A server of the local target, as `createTestDatabase` wants it. */
export function testDatabaseServer({ adminSecret, host, port, ca, directory }: TestServer, more: Partial<TestDatabaseServer> = {}): TestDatabaseServer {
  return {
    openSession: (database) => openSession(clientConfig({ ...adminSecret, dbname: database }, "bulkhead test databases")),
    endpoint: { host, port, ca, caPath: join(directory, "tls", "ca.crt") },
    ...more,
  };
}

/** A service of this repository. */
export function serviceNamed(name: string): TestService {
  return { name, directory: resolve(__dirname, "../../../schemas", name) };
}
