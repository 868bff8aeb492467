import { requirePermissions } from "../google/permissions";
import { namesOf } from "../labels";
import { findGcloud, requireGcloudLogin } from "./gcloud";
import { POSTGRES_PORT } from "./location";
import type { ReachOptions, Transport } from "./reach";
import { ADMIN_PERMISSIONS, sessionAccess } from "./session-access";
import { leaseTunnel } from "./tunnel-process";

/** Through a machine in the VPC without a public address, by Identity-Aware Proxy. */
export function tunnelTransport(options: ReachOptions): Transport {
  const { stack, zone, settings, progress } = options;
  return {
    async preflight(clients, _location, signal) {
      await requireGcloudLogin(findGcloud(), signal);
      await requirePermissions(clients, [...ADMIN_PERMISSIONS, "iap.tunnelInstances.accessViaIAP"], "set up the database through a tunnel", signal);
    },
    async open(clients, location, { makeAdmin, signal }) {
      const tunnel = await leaseTunnel({ gcloud: findGcloud(), bastion: namesOf(stack).bastion, port: POSTGRES_PORT, zone, project: settings.project }, progress);
      try {
        const access = await sessionAccess(options, { clients, location, reach: tunnel.address, ready: tunnel.ready, makeAdmin, signal });
        if (access === null) await tunnel.close();
        return access && { access, close: async () => void (await Promise.all([tunnel.close(), clients.close()])) };
      } catch (error) {
        await tunnel.close();
        throw error;
      }
    },
  };
}
