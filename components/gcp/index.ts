import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { Problems, setCommand } from "../settings/problems";
import { readSetting } from "../settings/read-section";
import { ownSettings } from "../stack-config";
import type { StackConfig } from "../stack-config";
import type { Target, TierContext } from "../tier";
import { parseGcpConfig } from "./config/parse-gcp-config";
import { DELETION_PROTECTION } from "./config/settings";
import { gcpFacts, gcpReach } from "./gcp-reach";
import { namesOf } from "./labels";
import type { Reach } from "./reach/reach";

/** Cloud SQL, Memorystore, ClickHouse and Cloud Run in a project of Google Cloud, all private; docs/gcp.md. */
export const target: Target = {
  // Memorystore's AUTH strings and the backup certificate's key are in the state.
  stateBackend: { url: "gs://<bucket>", secretsProvider: "gcpkms://projects/<project>/locations/<region>/keyRings/<ring>/cryptoKeys/<key>" },

  // A look at three hundred resources takes minutes in a cloud; `pulumi refresh` is there for whoever suspects drift.
  refresh: false,
  // Their resources bring secrets of their own (stores/secrets/), and Memorystore knows no users.
  stores: [],

  // A stack that may be destroyed at any time may be weaker too.
  policies: (config) => (isProtected(config) ? "mandatory" : "advisory"),

  facts: (config, catalog) => gcpFacts(parseGcpConfig(config, catalog)),

  // Loaded when it is called: Pulumi's SDKs take a while, and `status` or `conn` need nothing of them.
  /* eslint-disable @typescript-eslint/no-require-imports -- tsx's CommonJS cannot import() TypeScript */
  loadTier() {
    (require("./google/clients") as typeof import("./google/clients")).loadGoogleLibraries();
    return (require("./tier") as typeof import("./tier")).createGcpTier;
  },
  /* eslint-enable @typescript-eslint/no-require-imports */

  async openAccess(context) {
    const opened = await reachOf(context).open({ makeAdmin: false, ...(context.signal && { signal: context.signal }) });
    if (opened === null) throw new BulkheadError("TIER_NOT_RUNNING", `stack ${context.stack} has no database yet, or none with an admin`, { hint: `npx bulkhead up --stack ${context.stack}` });
    return opened.access;
  },

  async status(context) {
    const found = await reachOf(context).look(context.signal);
    if (found === undefined) return { running: false, reason: "it has not been made", version: undefined, host: undefined, port: undefined };
    const { instance, endpoint } = found;
    return { running: true, reason: undefined, version: instance.version, host: endpoint.host, port: endpoint.port };
  },

  // eslint-disable-next-line require-yield -- there is nothing to give
  async *logs({ stack }, { of }) {
    throw new BulkheadError("LOG_ELSEWHERE", `the logs of stack ${stack} are in Cloud Logging`, { hint: logCommand(stack, of) });
  },

  requireDestroyable(config) {
    const { stack } = config;
    if (!isProtected(config)) return;
    throw new BulkheadError("DESTROY_PROTECTED", `stack ${stack} has deletionProtection on; nothing was destroyed`, {
      hint: `${setCommand("deletionProtection", "false", stack)} && npx bulkhead up --stack ${stack}   (takes the protection off every resource), then the same command again`,
    });
  },

  // Nothing of it runs on this machine.
  start: async () => {},
  stop: async () => false,
  remove: async () => {},
};

/** What shows the log of a part in Cloud Logging. */
function logCommand(stack: string, of: string): string {
  const filters: Readonly<Record<string, string>> = { postgres: `resource.type="cloudsql_database"`, redis: `resource.type="redis_instance"`, clickhouse: `resource.type="gce_instance"` };
  const filter = Object.hasOwn(filters, of) ? filters[of]! : `resource.type="cloud_run_revision" AND resource.labels.service_name="${namesOf(stack).runService(of)}"`;
  return `gcloud logging read '${filter}' --freshness 1h --limit 100`;
}

/** Reads this one setting only. */
function isProtected(config: StackConfig): boolean {
  return readSetting(DELETION_PROTECTION, "deletionProtection", ownSettings(config)["deletionProtection"], new Problems(config.stack))!;
}

function reachOf(context: TierContext): Reach {
  return gcpReach(context, parseGcpConfig(context.config, context.catalog()), context.progress);
}
