import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import type { ReachConfig } from "../config/gcp-config";
import { requirePermissions } from "../google/permissions";
import { POSTGRES_PORT, tcpProblem } from "./location";
import type { ReachOptions, Transport } from "./reach";
import { ADMIN_PERMISSIONS, sessionAccess } from "./session-access";

const OTHER_WAYS = "let a job inside the VPC do it: pulumi config set --path bulkhead:reach.transport job; or go through a bastion: pulumi config set --path bulkhead:reach.transport tunnel";

/** This machine has a route into the VPC: a VPN, an interconnect, or it stands inside. */
export function directTransport(options: ReachOptions, { probe }: Extract<ReachConfig, { transport: "direct" }>): Transport {
  return {
    async preflight(clients, location, signal) {
      await requirePermissions(clients, ADMIN_PERMISSIONS, "set up the database", signal);
      if (location !== undefined) {
        await requireRoute(location.privateAddress, POSTGRES_PORT, `the database ${location.instance.name}`, signal);
        return;
      }
      if (probe === null) {
        throw new BulkheadError("REACH_UNPROVEN", "transport direct: there is no database yet, and nothing else behind the same route to try, so nobody knows whether this machine reaches the VPC", {
          hint: `name something that answers inside of it: pulumi config set --path bulkhead:reach.probe <address>:<port>; ${OTHER_WAYS}`,
        });
      }
      const colon = probe.lastIndexOf(":");
      await requireRoute(probe.slice(0, colon).replace(/^\[|\]$/g, ""), Number(probe.slice(colon + 1)), "bulkhead:reach.probe", signal);
    },
    async open(clients, location, { makeAdmin, signal }) {
      await requireRoute(location.privateAddress, POSTGRES_PORT, `the database ${location.instance.name}`, signal);
      const access = await sessionAccess(options, { clients, location, reach: { host: location.privateAddress, port: POSTGRES_PORT }, makeAdmin, signal });
      return access && { access, close: () => clients.close() };
    },
  };
}

async function requireRoute(host: string, port: number, what: string, signal: AbortSignal | undefined): Promise<void> {
  const problem = await tcpProblem({ host, port }, signal);
  if (problem !== undefined) throw new BulkheadError("REACH_NO_ROUTE", `transport direct: this machine does not reach ${what} at ${host}:${port}: ${problem}`, { hint: `connect the VPN, or ${OTHER_WAYS}` });
}
