
import { isPrivate, parseRange } from "../../../components/gcp/config/address-ranges";
import { CONNECTOR_TAG, firewallRules, IAP_RANGE, serviceTag } from "../../../components/gcp/network/firewall-rules";
import type { FirewallRule } from "../../../components/gcp/network/firewall-rules";
import { PRIVATE_GOOGLE_RANGE } from "../../../components/gcp/network/private-google";
import { CATALOG, catalogs, CONNECTORS, egresses, gcpConfig, reaches } from "./network-fixtures";
import fc from "../../support/fast-check";

const GOOGLES = new Set([IAP_RANGE, PRIVATE_GOOGLE_RANGE]);

/** What a machine or instance with this tag can open a connection to, as `range:port`. */
function reachable(rules: readonly FirewallRule[], tag: string): string[] {
  return rules
    .filter(({ direction, action, target }) => direction === "EGRESS" && action === "allow" && (target === null || target === tag))
    .flatMap(({ ranges, ports }) => ranges.flatMap((range) => ports.map((port) => `${range}:${port}`)))
    .sort();
}

const GOOGLE = "199.36.153.8/30:443";
const POSTGRES = "10.20.16.0/20:5432";
const REDIS = "10.20.16.0/20:6378";
const CLICKHOUSE = ["10.20.4.0/24:8443", "10.20.4.0/24:9440"];

const everything = fc.record({ services: catalogs, egress: egresses, reach: reaches, redis: fc.boolean(), clickhouse: fc.boolean() }).map(({ services, egress, reach, redis, clickhouse }) => {
  const config = gcpConfig(services, { egress, reach });
  return { services, config: { ...config, redis: redis ? config.redis : null, clickhouse: clickhouse ? config.clickhouse : null } };
});

describe("the firewall's rules", () => {
  it("let each service out to its own stores and to Google, with direct egress", () => {
    const rules = firewallRules(CATALOG, gcpConfig(CATALOG));
    expect(reachable(rules, serviceTag("accounts"))).toEqual([POSTGRES, GOOGLE].sort());
    expect(reachable(rules, serviceTag("backend"))).toEqual([POSTGRES, REDIS, ...CLICKHOUSE, GOOGLE].sort());
    expect(reachable(rules, "setup")).toEqual([POSTGRES, GOOGLE].sort());
  });

  it("give the frontend no way to any store, with direct egress or connectors", () => {
    for (const egress of [{ mode: "direct" } as const, CONNECTORS]) {
      expect(reachable(firewallRules(CATALOG, gcpConfig(CATALOG, { egress })), serviceTag("frontend"))).toEqual([GOOGLE]);
    }
  });

  it("let connectors out to the stores of the services that go through them", () => {
    const rules = firewallRules(CATALOG, gcpConfig(CATALOG, { egress: CONNECTORS }));
    expect(reachable(rules, CONNECTOR_TAG)).toEqual([POSTGRES, REDIS, ...CLICKHOUSE, GOOGLE].sort());
    expect(rules.find(({ name }) => name === "services-into-clickhouse")?.ranges).toEqual(CONNECTORS.ranges);
  });

  it("name no store that is off, and no service that does not run", () => {
    const config = { ...gcpConfig(CATALOG.slice(0, 1)), redis: null, clickhouse: null };
    expect(firewallRules(CATALOG, config).map(({ name }) => name)).toEqual(["accounts-to-postgres", "setup-to-postgres", "all-to-google", "deny-in", "deny-out"]);
  });

  it("let IAP in to the bastion's one port, and only where there is a bastion", () => {
    const into = (reach: Parameters<typeof gcpConfig>[1]) => firewallRules([], gcpConfig([], reach)).filter(({ direction, action }) => direction === "INGRESS" && action === "allow");
    expect(into({ reach: { transport: "tunnel", members: [] } })).toMatchObject([{ ranges: ["35.235.240.0/20"], ports: [5432], target: "bastion" }]);
    expect(into({ reach: { transport: "direct", probe: null } })).toEqual([]);
  });

  it("allow private ranges and two of Google's only, to named ports, whatever is on", () => {
    fc.assert(
      fc.property(everything, ({ services, config }) => {
        for (const rule of firewallRules(services, config).filter(({ action }) => action === "allow")) {
          expect(rule.ports.length).toBeGreaterThan(0);
          expect(rule.protocol).toBe("tcp");
          expect(rule.ranges.length).toBeGreaterThan(0);
          for (const range of rule.ranges) expect(GOOGLES.has(range) || isPrivate(parseRange(range)!)).toBe(true);
        }
      }),
    );
  });

  it("end with a denial of everything, in both directions, behind every other rule", () => {
    fc.assert(
      fc.property(everything, ({ services, config }) => {
        const rules = firewallRules(services, config);
        const denials = rules.filter(({ action }) => action === "deny");
        expect(denials.map(({ direction, protocol, ranges, target }) => ({ direction, protocol, ranges, target }))).toEqual(
          (["INGRESS", "EGRESS"] as const).map((direction) => ({ direction, protocol: "all", ranges: ["0.0.0.0/0"], target: null })),
        );
        expect(Math.max(...rules.filter(({ action }) => action === "allow").map(({ priority }) => priority))).toBeLessThan(Math.min(...denials.map(({ priority }) => priority)));
      }),
    );
  });

  it("have names that are unique and that Google takes", () => {
    fc.assert(
      fc.property(everything, ({ services, config }) => {
        const names = firewallRules(services, config).map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]{0,50}[a-z0-9]$/);
      }),
    );
  });

  it("give a service with its own tag exactly what the catalog says", () => {
    fc.assert(
      fc.property(catalogs, (services) => {
        const rules = firewallRules(services, gcpConfig(services));
        for (const { name, database, redis, clickhouse } of services) {
          const expected = [GOOGLE, ...(database === null ? [] : [POSTGRES]), ...(redis ? [REDIS] : []), ...(clickhouse ? CLICKHOUSE : [])];
          expect(reachable(rules, serviceTag(name))).toEqual(expected.sort());
        }
      }),
    );
  });
});
