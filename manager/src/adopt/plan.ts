import type { Statement } from "../provision/change";

/** What a step is about; in this order a person reads the plan. */
export const ADOPTION_TOPICS = ["server", "roles", "passwords", "settings", "ownership", "privileges", "extension", "schema"] as const;
export type AdoptionTopic = (typeof ADOPTION_TOPICS)[number];

/** One row that the migration history gets: a migration whose effect is there already. */
export interface BaselineEntry {
  readonly version: number;
  readonly name: string;
  /** SHA-256 in hex of the file. */
  readonly checksum: string;
  readonly transactional: boolean;
  readonly statements: number;
  /** SHA-256 in hex of its statements. */
  readonly statementsChecksum: string;
}

/** One thing to do. */
export interface AdoptionStep {
  /** Service whose compartment it is about, or `tier`. */
  readonly service: string;
  /** Database to do it in; null: the one called `postgres`. */
  readonly database: string | null;
  readonly topic: AdoptionTopic;
  /** What is there and what becomes of it, as a sentence. */
  readonly what: string;
  /** SQL for a superuser, in order. */
  readonly statements: readonly Statement[];
  /** It cannot stand in a transaction. */
  readonly alone?: true;
  /** What the migration history gets; written by the owner, who is named. */
  readonly baseline?: { readonly owner: string; readonly entries: readonly BaselineEntry[] };
}

/** Why something is not adopted, and what to do about it. */
export interface AdoptionProblem {
  /** Null: nothing at all can be adopted. Else the service is left out. */
  readonly service: string | null;
  readonly problem: string;
  readonly hint: string;
}

/**
 * - `absent`: its database is not there; the next `up` makes it;
 * - `left out`: problems are in the way, and nothing of it is changed;
 * - `to adopt`: the steps are about it;
 * - `adopted`: it is as adoption makes it.
 */
export type ServiceState = "absent" | "left out" | "to adopt" | "adopted";

/** What is to become of one service. */
export interface ServiceAdoption {
  readonly service: string;
  readonly database: string;
  readonly state: ServiceState;
}

/** What an adoption does, as plain data. */
export interface AdoptionPlan {
  readonly version: 1;
  /** Who does it, as the server names it now. */
  readonly superuser: string;
  /** The name of the same role once the steps are done. */
  readonly superuserAfter: string;
  readonly services: readonly ServiceAdoption[];
  /** In the order in which they are done. */
  readonly steps: readonly AdoptionStep[];
  readonly problems: readonly AdoptionProblem[];
  /** What changes for those who use the databases, and what is left to a person; a sentence each. */
  readonly notes: readonly string[];
}

/** The SQL that only a superuser may run, once a server: what a target does for a server that it makes itself. Each part can be repeated. */
export interface SuperuserStatements {
  /** Makes the admin. Run where the admin is not as it should be; whatever password it sets is replaced by the next `up`. */
  readonly admin: readonly string[];
  /** Makes the database that new ones are cloned from. Run where there is none. */
  readonly createTemplate: string;
  /** What is in the template, and in every service's database: the extension, and the admin's rights on it. */
  readonly template: readonly string[];
}
