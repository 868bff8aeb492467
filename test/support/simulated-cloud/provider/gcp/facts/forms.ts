import type { ResourceFacts } from "../../resource-facts";

/** Longest name of a Compute Engine resource. */
export const COMPUTE_NAME_MAX = 63;
/** Names of Compute Engine: RFC 1035. */
const COMPUTE_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** A resource of Compute Engine that belongs to no region. */
export function globalCompute(collection: string, facts: Partial<ResourceFacts> & { readonly immutable: string }): ResourceFacts {
  return compute(`projects/{project}/global/${collection}/{name}`, facts);
}

/** One that belongs to a region. */
export function regionalCompute(collection: string, facts: Partial<ResourceFacts> & { readonly immutable: string }): ResourceFacts {
  return compute(`projects/{project}/regions/{region}/${collection}/{name}`, { ...facts, immutable: `region ${facts.immutable}` });
}

/** One that belongs to a zone. */
export function zonalCompute(collection: string, facts: Partial<ResourceFacts> & { readonly immutable: string }): ResourceFacts {
  return compute(`projects/{project}/zones/{zone}/${collection}/{name}`, { ...facts, immutable: `zone ${facts.immutable}` });
}

function compute(id: string, facts: Partial<ResourceFacts> & { readonly immutable: string }): ResourceFacts {
  return { id, autonameMax: COMPUTE_NAME_MAX, ...facts, immutable: `name project ${facts.immutable}`, patterns: { name: COMPUTE_NAME, ...facts.patterns } };
}

/** One member of one role on something: nothing of it can be changed. */
export function iamMember(on: string, immutable: string, references: Readonly<Record<string, string>>): ResourceFacts {
  return { id: `${on}/{role}/{member}`, immutable: `${immutable} role member condition`, patterns: { role: ROLE, member: MEMBER }, references: { ...references, member: SERVICE_ACCOUNT } };
}

const SERVICE_ACCOUNT = "gcp:serviceaccount/account:Account";
const ROLE = /^(roles\/[\w.]+|(projects|organizations)\/[^/]+\/roles\/[\w.]+)$/;
const MEMBER = /^(allUsers|allAuthenticatedUsers|(user|serviceAccount|group|domain|principal|principalSet|projectOwner|projectEditor|projectViewer|deleted):.+)$/;
