export { sweepTestDatabases } from "./sweep";
export { TestDatabases, createTestDatabase } from "./test-databases";
export type { TestDatabase, TestDatabaseServer, TestService } from "./test-databases";
