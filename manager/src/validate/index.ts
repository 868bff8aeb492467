export type { ValidateOptions } from "./options";
export type { CheckStatus, ValidationCheck, ValidationReport } from "./report";
export { RULES } from "./rules";
export type { Rule } from "./rules";
export { validate } from "./validate";
