import type { Policies, ResourceValidationArgs, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { validateResourceOfType } from "@pulumi/policy";

import { isAbout, isUnknownValue } from "./rule";
import type { Declared, ResourceRule, Rule, StackRule } from "./rule";

/** What could not be judged yet: names of the resources by rule. */
type Postponed = Map<string, Set<string>>;

/**
 * The rules as Pulumi's policies.
 *
 * In a preview, values that come from resources yet to be made are unknown. A rule that needs one does not fail then: `up` asks it again when
 * the value is known, and before the resource is made. So that nobody takes that for a pass, one more policy says at a preview's end what is
 * still to be judged.
 */
export function policiesOf(rules: readonly Rule[]): Policies {
  const postponed: Postponed = new Map();
  return [...rules.map((rule) => (rule.scope === "resource" ? resourcePolicy(rule, postponed) : stackPolicy(rule, postponed))), judgedLater(postponed)];
}

function factsOf({ name, description, severity, controls, remediation, optional }: Rule): Pick<ResourceValidationPolicy, "name" | "description" | "severity" | "tags" | "remediationSteps" | "enforcementLevel"> {
  return { name, description, severity, tags: [...controls], remediationSteps: remediation, ...(optional ? { enforcementLevel: "advisory" } : {}) };
}

function resourcePolicy(rule: ResourceRule, postponed: Postponed): ResourceValidationPolicy {
  const validate = (args: ResourceValidationArgs, report: (message: string) => void): void => {
    if (!isAbout(rule, args.type)) return args.notApplicable();
    ifKnown(rule.name, args.name, postponed, () => rule.check(declared(args), (what) => report(messageOf(rule, what))));
  };
  const [only, ...others] = rule.types instanceof RegExp ? [] : rule.types;
  // For one type Pulumi compares tokens before it unpacks a resource. Of the class it reads the token only.
  const byType = only !== undefined && others.length === 0 ? validateResourceOfType({ __pulumiType: only } as never, (_props, args, report) => validate(args, report)) : validate;
  return { ...factsOf(rule), validateResource: byType };
}

function stackPolicy(rule: StackRule, postponed: Postponed): StackValidationPolicy {
  return {
    ...factsOf(rule),
    validateStack: (args, report) => {
      const concerned = args.resources.filter(({ type }) => isAbout(rule, type));
      if (concerned.length === 0) return args.notApplicable();
      ifKnown(rule.name, "the stack", postponed, () => rule.check(concerned.map(declared), (what) => report(messageOf(rule, what))));
    },
  };
}

function judgedLater(postponed: Postponed): StackValidationPolicy {
  return {
    name: "judged-later",
    description: "What a preview cannot judge because a value is not known yet is judged by `up`, before the resource is made.",
    severity: "low",
    enforcementLevel: "advisory",
    validateStack: (_args, report) => {
      if (postponed.size > 0) report(`Not judged yet: ${[...postponed].map(([rule, resources]) => `${rule} (${resources.size})`).join(", ")}`);
    },
  };
}

function ifKnown(rule: string, resource: string, postponed: Postponed, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!isUnknownValue(error)) throw error;
    postponed.set(rule, (postponed.get(rule) ?? new Set()).add(resource));
  }
}

function declared({ type, name, props, opts }: Pick<ResourceValidationArgs, "type" | "name" | "props" | "opts">): Declared {
  return { type, name, props, protect: opts.protect };
}

function messageOf({ remediation }: Rule, what: string): string {
  return `${what}. To mend it: ${remediation}`;
}
