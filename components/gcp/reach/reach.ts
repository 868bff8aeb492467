import type { TierFacts } from "../../../manager/src/plan/plan";
import type { TierAccess } from "../../tier";
import type { ReachConfig } from "../config/gcp-config";
import { googleClients } from "../google/clients";
import type { GoogleClients } from "../google/clients";
import type { GoogleSettings } from "../google/settings";
import { directTransport } from "./direct";
import { jobTransport } from "./job";
import type { SqlLocation } from "./location";
import { locate } from "./location";
import { tunnelTransport } from "./tunnel";

/** What a way into a private database is made from. */
export interface ReachOptions {
  readonly settings: GoogleSettings;
  readonly stack: string;
  readonly config: ReachConfig;
  readonly facts: TierFacts;
  /** Zone of the bastion, e.g. `europe-west1-b`; used by the tunnel. */
  readonly zone: string;
  readonly progress: (line: string) => void;
}

/** A way from where `up` runs to a database without a public address. */
export interface Reach {
  /**
   * Everything that can be known before anything is created: credentials, permissions, the route.
   *
   * @throws BulkheadError `GCP_…`, `REACH_…`, naming the mend
   */
  preflight(signal?: AbortSignal): Promise<void>;
  /** Where the database is; undefined where there is none. Asks Google only, and changes nothing. */
  look(signal?: AbortSignal): Promise<SqlLocation | undefined>;
  /**
   * The way into the tier as it is now; null where there is no database yet. `makeAdmin: false` changes nothing, as a preview must: null
   * then also where the admin's secret is still to be made.
   */
  open(options: { readonly makeAdmin: boolean; readonly signal?: AbortSignal }): Promise<OpenedReach | null>;
}

export interface OpenedReach {
  readonly access: TierAccess;
  /** Ends the tunnel and Google's clients. A process that ends without it leaves nothing behind either. */
  close(): Promise<void>;
}

/** What a transport adds to what they have in common. */
export interface Transport {
  /** `location`: the database, where there is one already. */
  preflight(clients: GoogleClients, location: SqlLocation | undefined, signal?: AbortSignal): Promise<void>;
  open(clients: GoogleClients, location: SqlLocation, options: { readonly makeAdmin: boolean; readonly signal?: AbortSignal | undefined }): Promise<OpenedReach | null>;
}

export function createReach(options: ReachOptions): Reach {
  const transport = transportOf(options);
  const { settings, stack } = options;
  return {
    async preflight(signal) {
      const clients = googleClients(settings);
      try {
        await transport.preflight(clients, await locate(clients, stack, signal), signal);
      } finally {
        await clients.close();
      }
    },
    async look(signal) {
      const clients = googleClients(settings);
      try {
        return await locate(clients, stack, signal);
      } finally {
        await clients.close();
      }
    },
    async open(how) {
      const clients = googleClients(settings);
      let opened: OpenedReach | null = null;
      try {
        const location = await locate(clients, stack, how.signal);
        opened = location === undefined ? null : await transport.open(clients, location, how);
      } finally {
        if (opened === null) await clients.close();
      }
      return opened;
    },
  };
}

function transportOf(options: ReachOptions): Transport {
  const { config } = options;
  switch (config.transport) {
    case "direct":
      return directTransport(options, config);
    case "tunnel":
      return tunnelTransport(options);
    case "job":
      return jobTransport(options);
  }
}
