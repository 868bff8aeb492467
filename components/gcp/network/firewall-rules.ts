import type { Service } from "../../../manager/src/catalog/catalog";
import type { GcpConfig } from "../config/gcp-config";
import { PRIVATE_GOOGLE_RANGE } from "./private-google";

/** One rule of the VPC's firewall, as plain data. */
export interface FirewallRule {
  /** Path that it is about, e.g. `backend-to-postgres`; unique. */
  readonly name: string;
  /** What for, in a sentence: shown in the console. */
  readonly description: string;
  readonly direction: "INGRESS" | "EGRESS";
  readonly action: "allow" | "deny";
  /** 0 to 65535; the lowest number decides. */
  readonly priority: number;
  /** `tcp`, or `all`, which has no ports. */
  readonly protocol: "tcp" | "all";
  /** TCP ports. Empty: not told apart, in rules that deny only. */
  readonly ports: readonly number[];
  /** Network tag of the machines and instances that the rule is for; null for all of the VPC. */
  readonly target: string | null;
  /** The other side: sources of INGRESS, destinations of EGRESS. */
  readonly ranges: readonly string[];
}

/** Postgres' own protocol, TLS within. Cloud SQL's 3307 is for Google's connectors, which are not used. */
export const POSTGRES_PORT = 5432;
/** Memorystore's port with TLS; 6379 is the one without. */
export const REDIS_PORT = 6378;
/** ClickHouse over HTTPS, and its own protocol within TLS. */
export const CLICKHOUSE_PORTS = [8443, 9440] as const;

/** Where Google's Identity-Aware Proxy comes from. (IAP documentation, "Using IAP for TCP forwarding".) */
export const IAP_RANGE = "35.235.240.0/20";

/** Tags of what is no service. */
export const MACHINE_TAGS = { clickhouse: "clickhouse", bastion: "bastion", setup: "setup" } as const;

/** Tag that Google gives to the instances of every connector. (Serverless VPC Access documentation, "Restrict access with network tags".) */
export const CONNECTOR_TAG = "vpc-connector";

const EVERYWHERE = "0.0.0.0/0";
const ALLOW_PRIORITY = 1000;
/** Behind all other rules, those that Google adds for its connectors (priority 100) among them, and before the implied ones, of which neither is logged and one lets everything out. */
const DENY_PRIORITY = 65_000;

/** Network tag of a service's instances. */
export function serviceTag(service: string): string {
  return `svc-${service}`;
}

/** Whether a service is given a way to a store. One that is not has its own tag in either mode, and no rule names it. */
export function usesStore(service: Pick<Service, "database" | "redis" | "clickhouse">): boolean {
  return service.database !== null || service.redis || service.clickhouse;
}

/**
 * The firewall of a stack: what is not named here does not pass, in either direction.
 *
 * With direct egress every service has a tag, and a rule for each store that it uses. Connectors carry all services under one tag of Google's, so there the rule is for
 * whatever goes through them, and what keeps services apart behind it is logins alone; that is why services without a store never go through
 * one. ClickHouse, being a machine of ours, is guarded on its side too, by the range that services come from: Cloud Run's tags hold for what leaves an instance, and are no sources.
 *
 * The internet is denied, Google's APIs at their private addresses excepted. A service that must reach a partner gets a rule of its own here, with the partner's ranges;
 * the NAT carries it. (The APIs' addresses serve all of Google's customers; only VPC Service Controls tell one's own buckets from a stranger's.)
 */
export function firewallRules(services: readonly Service[], config: GcpConfig): readonly FirewallRule[] {
  return [...serviceRules(services, config), ...machineRules(config), ...commonRules()];
}

function serviceRules(services: readonly Service[], config: GcpConfig): FirewallRule[] {
  const running = services.filter(({ name }) => Object.hasOwn(config.services, name));
  const { egress } = config;
  const toPostgres = running.filter(({ database }) => database !== null);
  const toRedis = config.redis === null ? [] : running.filter(({ redis }) => redis);
  const toClickHouse = config.clickhouse === null ? [] : running.filter(({ clickhouse }) => clickhouse);
  // Of the connectors' way, one rule a store is enough.
  const sources = (users: readonly Service[]): { name: string; tag: string }[] => {
    if (egress.mode === "direct") return users.map(({ name }) => ({ name, tag: serviceTag(name) }));
    return users.length === 0 ? [] : [{ name: "connectors", tag: CONNECTOR_TAG }];
  };
  return [
    ...sources(toPostgres).map(({ name, tag }) => egressTo("postgres", name, tag, [config.network.privateServicesRange], [POSTGRES_PORT])),
    ...sources(toRedis).map(({ name, tag }) => egressTo("redis", name, tag, [config.network.privateServicesRange], [REDIS_PORT])),
    ...sources(toClickHouse).map(({ name, tag }) => egressTo("clickhouse", name, tag, [config.network.machinesRange], CLICKHOUSE_PORTS)),
    ...(toClickHouse.length === 0
      ? []
      : [ingressTo("services-into-clickhouse", "Services' own side is narrower: their rules name who may", MACHINE_TAGS.clickhouse, egress.mode === "direct" ? [config.network.servicesRange] : egress.ranges, CLICKHOUSE_PORTS)]),
  ];
}

function machineRules({ reach, network }: GcpConfig): FirewallRule[] {
  if (reach.transport === "tunnel") {
    return [
      ingressTo("iap-into-bastion", "Tunnels of people whom IAM lets in", MACHINE_TAGS.bastion, [IAP_RANGE], [POSTGRES_PORT]),
      egressTo("postgres", "bastion", MACHINE_TAGS.bastion, [network.privateServicesRange], [POSTGRES_PORT]),
    ];
  }
  return reach.transport === "job" ? [egressTo("postgres", "setup", MACHINE_TAGS.setup, [network.privateServicesRange], [POSTGRES_PORT])] : [];
}

function commonRules(): FirewallRule[] {
  return [
    { ...allow, name: "all-to-google", description: "Google's APIs at their private addresses", direction: "EGRESS", ports: [443], target: null, ranges: [PRIVATE_GOOGLE_RANGE] },
    { ...deny, name: "deny-in", description: "Whatever no other rule lets in", direction: "INGRESS" },
    { ...deny, name: "deny-out", description: "Whatever no other rule lets out", direction: "EGRESS" },
  ];
}

const allow = { action: "allow", priority: ALLOW_PRIORITY, protocol: "tcp" } as const;
const deny = { action: "deny", priority: DENY_PRIORITY, protocol: "all", ports: [], target: null, ranges: [EVERYWHERE] } as const;

function egressTo(store: string, from: string, tag: string, ranges: readonly string[], ports: readonly number[]): FirewallRule {
  return { ...allow, name: `${from}-to-${store}`, description: `${from} to ${store}`, direction: "EGRESS", ports, target: tag, ranges };
}

function ingressTo(name: string, description: string, target: string, ranges: readonly string[], ports: readonly number[]): FirewallRule {
  return { ...allow, name, description, direction: "INGRESS", ports, target, ranges };
}
