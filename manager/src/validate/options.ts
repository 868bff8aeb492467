import type { Catalog } from "../catalog/catalog";
import type { ProvisionOptions } from "../provision/options";
import type { Store } from "../stores/store";

/** What validation needs of the tier that it looks at. */
export interface ValidateOptions extends Omit<ProvisionOptions, "probe"> {
  /** For the services without a database, and for where each schema comes from. */
  readonly catalog: Catalog;
  /** Folder that the catalog's schema folders are relative to. */
  readonly root: string;
  /** What the tier has beside its Postgres. Default: nothing that could be tried from here. */
  readonly stores?: readonly Store[];
}
