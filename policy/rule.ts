import type { Unwrap } from "@pulumi/pulumi";

/** How bad it is to break a rule. */
export type Severity = "low" | "medium" | "high" | "critical";

/** A resource as a rule sees it: the inputs that the program gave, or in a finished stack what became of them. */
export interface Declared<Props = Readonly<Record<string, unknown>>> {
  /** Pulumi's token, e.g. `gcp:sql/databaseInstance:DatabaseInstance`. */
  readonly type: string;
  /** The program's name of it. */
  readonly name: string;
  readonly props: Props;
  /** Pulumi's own protection. */
  readonly protect: boolean;
}

interface RuleFacts {
  /** Lower case with hyphens, the concern first. Pack configuration names it. */
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly description: string;
  readonly severity: Severity;
  /**
   * Checks of others that this rule covers: `CIS 6.5` (the Google Cloud Foundations benchmark, 4.0 and 5.0; `CIS v5 6.9` where only one has it),
   * Checkov's `CKV_…`, Trivy's `AVD-…`, `KICS …`, `prowler …`. Empty: no scanner has it.
   */
  readonly controls: readonly string[];
  /** The property and the value that mend it. */
  readonly remediation: string;
  /** Only warns, in every stack: a choice that costs money or effort and that not everybody has to make. */
  readonly optional?: true;
  /** Types that the rule is about: tokens, or what a token matches. A stack without any is not judged by it. */
  readonly types: readonly string[] | RegExp;
}

/** A rule about single resources. It is asked before a resource is created or changed. */
export interface ResourceRule extends RuleFacts {
  readonly scope: "resource";
  check(resource: Declared, report: (what: string) => void): void;
}

/** A rule about a whole stack. It is asked at the end of a run, with the resources of its types. */
export interface StackRule extends RuleFacts {
  readonly scope: "stack";
  check(resources: readonly Declared[], report: (what: string) => void): void;
}

export type Rule = ResourceRule | StackRule;

/** Inputs of a resource class without outputs and promises around them. */
export type Props<Args> = Unwrap<Args>;

/** A rule about single resources whose arguments are `Args`. */
export function resourceRule<Args>(rule: RuleFacts & { check(props: Props<Args>, report: (what: string) => void, resource: Declared): void }): ResourceRule {
  return { ...rule, scope: "resource", check: (resource, report) => rule.check(resource.props as Props<Args>, report, resource) };
}

/** A rule about a whole stack. */
export function stackRule(rule: Omit<StackRule, "scope">): StackRule {
  return { ...rule, scope: "stack" };
}

/** Whether a rule is about resources of this type. */
export function isAbout({ types }: Rule, type: string): boolean {
  return types instanceof RegExp ? types.test(type) : types.includes(type);
}

/** Whether a property has a value. One that is unknown until the resource that it comes from is there will have one. */
export function isGiven<T extends object>(props: T | undefined, key: keyof T): boolean {
  try {
    const value: unknown = props?.[key];
    return value !== undefined && value !== null && value !== "";
  } catch (error) {
    if (isUnknownValue(error)) return true;
    throw error;
  }
}

/** Whether somebody looked at a value that is not known in a preview. @pulumi/policy throws this, and does not export its class. */
export function isUnknownValue(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === "UnknownValueError";
}
