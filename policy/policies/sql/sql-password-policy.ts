import { primaryRule } from "./instance";

/** Shorter ones are guessed offline once a backup is lost. */
const MIN_LENGTH = 12;

export const sqlPasswordPolicy = primaryRule({
  name: "sql-password-policy",
  description: "Passwords that people set have a length and a complexity.",
  severity: "medium",
  controls: [],
  remediation: "settings.passwordValidationPolicy: { enablePasswordPolicy: true, minLength: 16, complexity: \"COMPLEXITY_DEFAULT\" }",
  check({ settings }, report) {
    const policy = settings?.passwordValidationPolicy;
    if (policy?.enablePasswordPolicy !== true) report("there is no password policy");
    else if ((policy.minLength ?? 0) < MIN_LENGTH || policy.complexity !== "COMPLEXITY_DEFAULT") report("the password policy asks for less than 12 characters, or for no complexity");
  },
});
