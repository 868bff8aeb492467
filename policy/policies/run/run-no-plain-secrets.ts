import { isGiven, resourceRule } from "../../rule";
import { containersOf } from "./containers";

/** How the names of secrets end. */
const SECRET_NAME = /(^|_)(PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|DATABASE_URL|CREDENTIALS|DSN)$/i;

/** A URL with a password, a private key, a token of GitHub's or Google's. */
const SECRET_VALUE = /[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAIza[0-9A-Za-z_-]{30,}/;

export const runNoPlainSecrets = resourceRule({
  name: "run-no-plain-secrets",
  description: "A secret is given to Cloud Run by reference, never as a plain environment variable.",
  severity: "critical",
  controls: ["CIS 1.17", "CIS 1.18"],
  remediation: "envs[].valueSource.secretKeyRef, or a volume of the secret",
  types: ["gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/job:Job"],
  check(_props, report, resource) {
    for (const variable of containersOf(resource).flatMap(({ envs = [] }) => envs)) {
      if (!isGiven(variable, "value")) continue;
      if (SECRET_NAME.test(variable.name) || SECRET_VALUE.test(variable.value ?? "")) report(`the variable ${variable.name} holds a secret`);
    }
  },
});
