import type { ObservedDatabaseContents } from "../provision/observed";
import type { Privilege } from "../provision/observed";

/** What is there before the adoption, as a superuser sees it: plain data, in the shape that the plan wants. */

export interface FoundRole {
  readonly name: string;
  /** Made by initdb: it stays superuser whatever is done. */
  readonly bootstrap: boolean;
  readonly login: boolean;
  readonly superuser: boolean;
  readonly createdb: boolean;
  readonly createrole: boolean;
  readonly replication: boolean;
  readonly bypassrls: boolean;
  readonly hasPassword: boolean;
}

export interface FoundMembership {
  readonly role: string;
  readonly member: string;
  readonly grantor: string;
  readonly admin: boolean;
}

export interface FoundDatabase {
  readonly name: string;
  readonly owner: string;
  readonly allowConnections: boolean;
  readonly isTemplate: boolean;
  /** A DROP DATABASE was interrupted: what is in it is lost. */
  readonly invalid: boolean;
  /** What others than the owner may do. */
  readonly privileges: readonly Privilege[];
  /** Its text was sorted by other rules than those of the operating system that the server runs on now. */
  readonly collationDiffers: boolean;
}

/** Of `ALTER ROLE … SET` or `ALTER DATABASE … SET`; null stands for every role, or every database. */
export interface FoundSetting {
  readonly role: string | null;
  readonly database: string | null;
  readonly name: string;
  readonly value: string;
}

export interface FoundTablespace {
  readonly name: string;
  readonly owner: string;
  readonly location: string;
  /** Its folder is where the server looks for it. */
  readonly present: boolean;
}

/** What all databases share. */
export interface FoundServer {
  /** `server_version_num`: 170004 is 17.4. */
  readonly versionNumber: number;
  /** Session user. */
  readonly superuser: string;
  readonly roles: readonly FoundRole[];
  readonly memberships: readonly FoundMembership[];
  readonly databases: readonly FoundDatabase[];
  readonly settings: readonly FoundSetting[];
  readonly tablespaces: readonly FoundTablespace[];
  /** Of two-phase commit: `database` and `gid`. */
  readonly preparedTransactions: readonly { readonly gid: string; readonly database: string }[];
  readonly replicationSlots: readonly { readonly name: string; readonly logical: boolean }[];
  /** What ALTER SYSTEM wrote, which counts for more than the stack's own configuration. */
  readonly systemSettings: readonly { readonly name: string; readonly value: string }[];
  readonly dataChecksums: boolean;
  /** It is a standby. */
  readonly inRecovery: boolean;
}

/** An object that has an owner. */
export interface FoundObject {
  /** As ALTER has it, e.g. `TABLE`, `TEXT SEARCH CONFIGURATION`. */
  readonly kind: string;
  /** As ALTER names it, quoted where it needs it. */
  readonly identity: string;
  readonly owner: string;
  /** Its schema; null for what is in none. */
  readonly schema: string | null;
  /** Postgres lets it belong to a superuser only. */
  readonly ofSuperuser: boolean;
  /** A function that runs with the rights of its owner. */
  readonly runsAsOwner: boolean;
  /** A table with policies, which its owner is not bound to. */
  readonly rowSecurity: boolean;
}

export interface FoundExtension {
  readonly name: string;
  readonly schema: string;
  readonly owner: string;
  readonly version: string;
  /** The newest that the server has. */
  readonly newest: string | null;
}

/** What is in one database. */
export interface FoundContents {
  readonly objects: readonly FoundObject[];
  /** Large objects by their owner. */
  readonly largeObjects: readonly { readonly owner: string; readonly count: number }[];
  readonly extensions: readonly FoundExtension[];
  /** Event triggers that go off and are of no extension, quoted where they need it. */
  readonly eventTriggers: readonly string[];
  /** The same as provisioning reads it: what is granted. */
  readonly privileges: ObservedDatabaseContents;
  /** Rows of `migrations.history`; null where there is no such table. */
  readonly history: number | null;
  /** There is a table `migrations.history` that Bulkhead did not make. */
  readonly foreignHistory: boolean;
}
