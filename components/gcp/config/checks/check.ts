import type { Catalog } from "../../../../manager/src/catalog/catalog";
import type { Problems } from "../../../settings/problems";
import type { StackConfig } from "../../../stack-config";
import type { GcpConfig } from "../gcp-config";

/** What settings, catalog and Google's limits do not go together with each other. Notes problems; looks only at what is clean so far. */
export type Check = (config: GcpConfig, catalog: Catalog, problems: Problems, stack: StackConfig) => void;
