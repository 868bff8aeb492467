import { judge } from "../../policy/judge";
import { rules } from "../../policy/policies";
import { suppressions } from "../../policy/suppressions";
import { prodStack } from "./prod-stack";
import { renderCompliance } from "./render";

/** COMPLIANCE.md as it has to be. */
export async function compliance(): Promise<string> {
  return renderCompliance(judge(rules, await prodStack()), suppressions);
}
