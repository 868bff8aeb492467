import { SECRET_LOGINS } from "../../../../manager/src/secrets/secret";
import { namesOf } from "../../labels";
import type { Check } from "./check";

/** What each service of Google takes for a name. */
const SERVICE_ACCOUNT = { pattern: /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, rule: "a service account has 6 to 30 characters a-z, 0-9 and hyphens" };
const RUN_SERVICE = { pattern: /^[a-z](?:[a-z0-9-]{0,47}[a-z0-9])?$/, rule: "a Cloud Run service has up to 49 characters a-z, 0-9 and hyphens" };
const SECRET = { pattern: /^[A-Za-z0-9_-]{1,255}$/, rule: "a secret has up to 255 characters a-z, 0-9, hyphens and underscores" };
const COMPUTE = { pattern: /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/, rule: "jobs and machines have up to 63 characters a-z, 0-9 and hyphens" };

/** The stack's name is in every other name and in a label. */
const STACK = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** It ends at the first hyphen. With one of its own, service y of stack prod-x and service x-y of stack prod would have the same account and secrets in a project of both. */
const HYPHEN = "-";

/** Names that Google would refuse half-way through an `up`. */
export const checkNames: Check = ({ services }, catalog, problems, { stack }) => {
  const names = namesOf(stack);
  if (!STACK.test(stack)) return problems.add(`stack ${stack}`, "has a name that no label or service of Google can have", "name it with a-z and 0-9, beginning with a letter: pulumi stack rename prod");
  if (stack.includes(HYPHEN)) return problems.add(`stack ${stack}`, "has a hyphen in its name, and is told from its services by the first hyphen of theirs", `pulumi stack rename ${stack.replaceAll(HYPHEN, "")}`);

  const check = (what: string, name: string, { pattern, rule }: { readonly pattern: RegExp; readonly rule: string }, mend: string): boolean => {
    const passes = pattern.test(name);
    if (!passes) problems.add(what, `would be called ${name}, but ${rule}`, mend);
    return passes;
  };
  for (const { name, database } of catalog.services) {
    const mend = `give ${name} another name in services.ts, or the stack a shorter one`;
    if (services[name] !== undefined) {
      // Of two names that are the same, one message is enough.
      if (check(`service account of ${name}`, names.serviceAccount(name), SERVICE_ACCOUNT, mend)) check(`Cloud Run service of ${name}`, names.runService(name), RUN_SERVICE, mend);
    }
    if (database !== null) for (const login of SECRET_LOGINS) check(`secret ${login} of ${name}`, names.secret(name, login), SECRET, mend);
  }
  check("the setup's job", names.setupJob, COMPUTE, "give the stack a shorter name: pulumi stack rename prod");
  check("the bastion", names.bastion, COMPUTE, "give the stack a shorter name: pulumi stack rename prod");
};
