import { parseGcpConfig } from "../../components/gcp/config/parse-gcp-config";
import type { Reach } from "../../components/gcp/reach/reach";
import { GcpTier } from "../../components/gcp/tier";
import { Workloads } from "../../components/gcp/workloads";
import type { StackConfig } from "../../components/stack-config";
import type { Catalog } from "../../manager/src/catalog/catalog";

/** Nobody goes to the database: what is declared does not depend on what is in it. */
const NOWHERE: Reach = { preflight: async () => {}, look: async () => undefined, open: async () => null };

/** Declares what a gcp stack is made of, but for the compartments, which are made in SQL. */
export function declareGcpStack(stack: string, stackConfig: StackConfig, catalog: Catalog): void {
  const config = parseGcpConfig(stackConfig, catalog);
  const tier = new GcpTier("tier", { stack, config, catalog, reach: NOWHERE });
  new Workloads("services", { stack, config, catalog, tier, after: () => [] });
}
