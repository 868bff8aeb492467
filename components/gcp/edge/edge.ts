import { BackendService } from "@pulumi/gcp/compute/backendService";
import type { BackendServiceArgs } from "@pulumi/gcp/compute/backendService";
import { GlobalAddress } from "@pulumi/gcp/compute/globalAddress";
import { GlobalForwardingRule } from "@pulumi/gcp/compute/globalForwardingRule";
import { RegionNetworkEndpointGroup } from "@pulumi/gcp/compute/regionNetworkEndpointGroup";
import type { SecurityPolicyArgs } from "@pulumi/gcp/compute/securityPolicy";
import { SSLPolicy } from "@pulumi/gcp/compute/sslpolicy";
import type { SSLPolicyArgs } from "@pulumi/gcp/compute/sslpolicy";
import { TargetHttpProxy } from "@pulumi/gcp/compute/targetHttpProxy";
import { TargetHttpsProxy } from "@pulumi/gcp/compute/targetHttpsProxy";
import { URLMap } from "@pulumi/gcp/compute/urlmap";
import type { URLMapArgs } from "@pulumi/gcp/compute/urlmap";
import { all, ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, CustomResourceOptions, Input, Output } from "@pulumi/pulumi";

import { armor } from "./armor";
import type { BackupCertificate } from "./backup-certificate";
import { Certificates } from "./certificates";
import type { DnsRecord } from "./certificates";
import { childOptions } from "../child-options";
import type { EdgeConfig } from "../config/gcp-config";
import { labelsOf } from "../labels";
import { routingOf } from "./path-rules";
import type { Routing } from "./path-rules";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

/** A service that users reach through the load balancer. */
export interface ExposedService {
  /** Name in the catalog. */
  readonly name: string;
  /** e.g. `/api/*`. One of them has `/*`. */
  readonly path: string;
  /** Its name in Cloud Run, known when it runs there. */
  readonly runService: Input<string>;
}

export interface EdgeArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly region: string;
  readonly config: Pick<EdgeConfig, "domains" | "cloudArmor">;
  /** The second certificate, as `readBackupCertificate` gives it; null for none. */
  readonly backup: BackupCertificate | null;
  /** Which certificate is served; see `Certificates`. */
  readonly served: "managed" | "backup";
  readonly services: readonly ExposedService[];
  /** Pulumi's protection of the address, which the domains' DNS names: another one is an outage until DNS has it. */
  readonly deletionProtection: boolean;
  readonly transform?: {
    readonly backendService?: Transform<BackendServiceArgs>;
    readonly urlMap?: Transform<URLMapArgs>;
    readonly sslPolicy?: Transform<SSLPolicyArgs>;
    readonly securityPolicy?: Transform<SecurityPolicyArgs>;
  };
}

/**
 * The way in for users: a global HTTPS load balancer in front of the services that have a path. It is the only public address of the stack, and knows
 * its own hosts only; whoever asks for another is sent to the main one. HTTP is answered by a redirect and nothing else.
 *
 * It has no health checks, since Cloud Run has none to offer: a service that fails answers with its own errors, which the uptime checks see. Google runs it in
 * all regions; a region that is gone is the services' outage. About 18 USD a month, and 0.008 USD a GB.
 */
export class Edge extends ComponentResource {
  /** The public IPv4 address. */
  readonly address: Output<string>;
  /** What to create in the domains' public zones: an A record each, and one that lets Google renew the certificate. */
  readonly dnsRecords: Output<readonly DnsRecord[]>;
  /** Names of the backend services, by service, for the alerts and the dashboard. */
  readonly backends: Readonly<Record<string, BackendService>>;

  constructor(name: string, args: EdgeArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Edge", name, {}, options);
    const { stack, config, transform } = args;
    const child = childOptions(this, options);
    const address = new GlobalAddress(
      name,
      { addressType: "EXTERNAL", ipVersion: "IPV4", description: `Bulkhead stack ${stack}: users`, labels: labelsOf(stack) },
      childOptions(this, options, { protect: args.deletionProtection }),
    );
    const certificates = new Certificates(`${name}-certificates`, { stack, domains: config.domains, backup: args.backup, served: args.served }, child);
    const securityPolicy = config.cloudArmor ? armor(name, stack, transform?.securityPolicy, child).id : undefined;
    this.backends = backends(name, args, securityPolicy, child);
    const routing = routingOf(args.services.map(({ name: service, path }) => ({ service, path })));
    const urlMap = new URLMap(name, applyTransform(urlMapArgs(config.domains, routing, this.backends), transform?.urlMap), child);
    this.serveHttps(name, args, { address, urlMap, certificateMap: certificates.map }, child);
    redirectHttp(name, stack, address, child);

    this.address = address.address;
    this.dnsRecords = all([address.address, certificates.dnsRecords]).apply(([data, authorizations]) => [
      ...config.domains.map((domain) => ({ name: `${domain}.`, type: "A", data })),
      ...authorizations,
    ]);
    this.registerOutputs({ address: this.address, dnsRecords: this.dnsRecords });
  }

  private serveHttps(
    name: string,
    { stack, transform }: EdgeArgs,
    { address, urlMap, certificateMap }: { readonly address: GlobalAddress; readonly urlMap: URLMap; readonly certificateMap: Output<string> },
    child: CustomResourceOptions,
  ): void {
    const sslPolicy = new SSLPolicy(name, applyTransform({ profile: "MODERN", minTlsVersion: "TLS_1_2", description: "TLS 1.2 and 1.3" }, transform?.sslPolicy), child);
    const proxy = new TargetHttpsProxy(
      name,
      // Early data could be replayed by whoever recorded it.
      { urlMap: urlMap.id, certificateMap, sslPolicy: sslPolicy.id, quicOverride: "NONE", tlsEarlyData: "DISABLED" },
      child,
    );
    new GlobalForwardingRule(name, forwardingRuleArgs(stack, address, proxy.id, "443"), child);
  }
}

function backends(name: string, { region, services, transform }: EdgeArgs, securityPolicy: Input<string> | undefined, child: CustomResourceOptions): Record<string, BackendService> {
  return Object.fromEntries(
    services.map((service) => {
      const group = new RegionNetworkEndpointGroup(`${name}-${service.name}`, { region, networkEndpointType: "SERVERLESS", cloudRun: { service: service.runService } }, child);
      const made = new BackendService(
        `${name}-${service.name}`,
        applyTransform(
          {
            description: `Users to ${service.name}`,
            loadBalancingScheme: "EXTERNAL_MANAGED",
            // Serverless backends take neither a timeout nor a health check; the request's time limit is Cloud Run's.
            protocol: "HTTPS",
            backends: [{ group: group.id }],
            enableCdn: false,
            logConfig: { enable: true, sampleRate: 1 },
            customResponseHeaders: ["Strict-Transport-Security: max-age=31536000"],
            ...(securityPolicy === undefined ? {} : { securityPolicy }),
          },
          transform?.backendService,
        ),
        child,
      );
      return [service.name, made];
    }),
  );
}

function urlMapArgs([main, ...others]: readonly [string, ...string[]], routing: Routing, made: Readonly<Record<string, BackendService>>): URLMapArgs {
  const idOf = (service: string): Output<string> => {
    const backend = made[service];
    if (backend === undefined) throw new Error(`${service} has a path and is not behind the load balancer`);
    return backend.id;
  };
  return {
    // Hosts that are not ours, such as the bare address.
    defaultUrlRedirect: { hostRedirect: main, httpsRedirect: true, redirectResponseCode: "MOVED_PERMANENTLY_DEFAULT", stripQuery: false },
    hostRules: [{ hosts: [main, ...others], pathMatcher: "services" }],
    pathMatchers: [
      { name: "services", defaultService: idOf(routing.fallback), pathRules: routing.rules.map(({ service, paths }) => ({ paths: [...paths], service: idOf(service) })) },
    ],
  };
}

function redirectHttp(name: string, stack: string, address: GlobalAddress, child: CustomResourceOptions): void {
  const urlMap = new URLMap(`${name}-redirect`, { defaultUrlRedirect: { httpsRedirect: true, redirectResponseCode: "MOVED_PERMANENTLY_DEFAULT", stripQuery: false } }, child);
  const proxy = new TargetHttpProxy(`${name}-redirect`, { urlMap: urlMap.id }, child);
  new GlobalForwardingRule(`${name}-redirect`, forwardingRuleArgs(stack, address, proxy.id, "80"), child);
}

function forwardingRuleArgs(stack: string, address: GlobalAddress, target: Input<string>, portRange: string) {
  return { target, ipAddress: address.id, portRange, ipProtocol: "TCP", loadBalancingScheme: "EXTERNAL_MANAGED", networkTier: "PREMIUM", labels: labelsOf(stack) };
}
