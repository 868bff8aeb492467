import { ServiceIamMember } from "@pulumi/gcp/cloudrunv2/serviceIamMember";
import type { Service } from "@pulumi/gcp/cloudrunv2/service";
import type { CustomResourceOptions } from "@pulumi/pulumi";

import type { ServiceAccounts } from "../identity/service-accounts";

/** Who calls whom, of services that run here. */
export interface Invocation {
  readonly caller: string;
  readonly callee: string;
}

/** The catalog's calls among the services that run here. A call to oneself needs no right from another, but one's own. */
export function invocations(services: readonly { readonly name: string; readonly calls: readonly string[] }[], running: ReadonlySet<string>): Invocation[] {
  return services.flatMap(({ name, calls }) => (running.has(name) ? [...new Set(calls)].filter((callee) => running.has(callee)).map((callee) => ({ caller: name, callee })) : []));
}

/** Gives each caller the right to invoke the service that it calls; there is no other grant. The right is to one service, never to the project's. */
export function grantInvoker(name: string, { caller, callee }: Invocation, services: Readonly<Record<string, Service>>, accounts: ServiceAccounts, options: CustomResourceOptions): ServiceIamMember {
  const [service, account] = [services[callee], accounts.services[caller]];
  if (service === undefined || account === undefined) throw new Error(`${caller} cannot be allowed to call ${callee}: one of them does not run here`);
  return new ServiceIamMember(name, { project: service.project, location: service.location, name: service.name, role: "roles/run.invoker", member: account.member }, options);
}
