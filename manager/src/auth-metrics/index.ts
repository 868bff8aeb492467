export { AUTH_OPERATIONS, AuthOperations } from "./auth-operations";
export type { AuthOperation, AuthOperationStats, AuthOperationsOptions } from "./auth-operations";
