import { BulkheadError } from "../../manager/src/errors/bulkhead-error";

/** What was typed cannot be done as typed: the command ends with exit code 2, and nothing was touched. */
export class UsageError extends BulkheadError {}
