import type { SecretLogin } from "../../manager/src/secrets/secret";

/** Labels by which a person, a bill and the command line find what belongs to a stack; `service` narrows them to one of its services. */
export function labelsOf(stack: string, service?: string): Record<string, string> {
  return { "bulkhead-stack": stack, ...(service === undefined ? {} : { "bulkhead-service": service }) };
}

/** Names that somebody outside of the program has to know: services, people and the command line. All others are Pulumi's autonames. */
export function namesOf(stack: string): GcpNames {
  return {
    secret: (service, login) => `bulkhead-${stack}-${service}-${login}`,
    adminSecret: `bulkhead-${stack}-admin`,
    // Two stacks may share a project, hence the stack in all of them, up to the first hyphen: it has none of its own. A service account's id has 6 to 30
    // characters. The configuration's check (check-names.ts) sees to both.
    serviceAccount: (service) => `${stack}-${service}`,
    runService: (service) => `${stack}-${service}`,
    setupJob: `bulkhead-${stack}-setup`,
    bastion: `bulkhead-${stack}-bastion`,
  };
}

export interface GcpNames {
  readonly secret: (service: string, login: SecretLogin) => string;
  readonly adminSecret: string;
  readonly serviceAccount: (service: string) => string;
  readonly runService: (service: string) => string;
  readonly setupJob: string;
  readonly bastion: string;
}
