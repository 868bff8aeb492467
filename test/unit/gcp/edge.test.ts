
import { armorRules } from "../../../components/gcp/edge/armor";
import { Edge } from "../../../components/gcp/edge/edge";
import type { EdgeArgs } from "../../../components/gcp/edge/edge";
import { routingOf } from "../../../components/gcp/edge/path-rules";
import { recordResources } from "../../support/pulumi-mocks";
import type { RecordedResource } from "../../support/pulumi-mocks";
import { inputsOf, ofType } from "./data-fixtures";
import fc from "../../support/fast-check";

const BACKUP = { certificatePem: "certificate", privateKeyPem: "key" };

const ARGS: EdgeArgs = {
  stack: "prod",
  region: "europe-west1",
  config: { domains: ["example.com", "www.example.com"], cloudArmor: true },
  backup: BACKUP,
  served: "managed",
  services: [
    { name: "frontend", path: "/*", runService: "prod-frontend" },
    { name: "backend", path: "/api/*", runService: "prod-backend" },
  ],
  deletionProtection: true,
};

/** The edge's resources and, by the way, its DNS records. */
async function declare(changes: Partial<EdgeArgs> = {}): Promise<{ resources: readonly RecordedResource[]; dnsRecords: unknown }> {
  let dnsRecords: Promise<unknown> | undefined;
  const resources = await recordResources(
    () => {
      const edge = new Edge("edge", { ...ARGS, ...changes });
      dnsRecords = new Promise((resolve) => edge.dnsRecords.apply(resolve));
    },
    (type, name, inputs) => {
      if (type.endsWith(":DnsAuthorization")) return { dnsResourceRecords: [{ name: `_acme-challenge.${String(inputs["domain"])}.`, type: "CNAME", data: "abc.authorize.certificatemanager.goog." }] };
      return type.endsWith(":GlobalAddress") ? { address: "203.0.113.7" } : { name };
    },
  );
  return { resources, dnsRecords: await dnsRecords };
}

describe("the load balancer", () => {
  let resources: readonly RecordedResource[];
  let dnsRecords: unknown;
  beforeAll(async () => ({ resources, dnsRecords } = await declare()));

  it("takes TLS 1.2 and newer only, with modern ciphers and no early data", () => {
    expect(inputsOf(resources, "gcp:compute/sSLPolicy:SSLPolicy")).toMatchObject({ minTlsVersion: "TLS_1_2", profile: "MODERN" });
    expect(inputsOf(resources, "gcp:compute/targetHttpsProxy:TargetHttpsProxy")).toMatchObject({ sslPolicy: "edge-id", certificateMap: "//certificatemanager.googleapis.com/edge-certificates-id", tlsEarlyData: "DISABLED" });
  });

  it("answers HTTP by a redirect and nothing else", () => {
    const http = inputsOf(resources, "gcp:compute/uRLMap:URLMap", "edge-redirect");
    expect(http).toEqual({ defaultUrlRedirect: { httpsRedirect: true, redirectResponseCode: "MOVED_PERMANENTLY_DEFAULT", stripQuery: false } });
    expect(inputsOf(resources, "gcp:compute/targetHttpProxy:TargetHttpProxy")).toMatchObject({ urlMap: "edge-redirect-id" });
    expect(ofType(resources, "gcp:compute/globalForwardingRule:GlobalForwardingRule").map(({ name, inputs }) => [name, inputs["portRange"], inputs["target"], inputs["ipAddress"]])).toEqual([
      ["edge", "443", "edge-id", "edge-id"],
      ["edge-redirect", "80", "edge-redirect-id", "edge-id"],
    ]);
  });

  it("routes its own hosts by path, and sends all others to the main one", () => {
    expect(inputsOf(resources, "gcp:compute/uRLMap:URLMap", "edge")).toEqual({
      defaultUrlRedirect: { hostRedirect: "example.com", httpsRedirect: true, redirectResponseCode: "MOVED_PERMANENTLY_DEFAULT", stripQuery: false },
      hostRules: [{ hosts: ["example.com", "www.example.com"], pathMatcher: "services" }],
      pathMatchers: [{ name: "services", defaultService: "edge-frontend-id", pathRules: [{ paths: ["/api", "/api/*"], service: "edge-backend-id" }] }],
    });
  });

  it("reaches each service by its name in Cloud Run, logs every request, and asks Cloud Armor", () => {
    expect(ofType(resources, "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup").map(({ inputs }) => inputs["cloudRun"])).toEqual([{ service: "prod-backend" }, { service: "prod-frontend" }]);
    for (const { inputs } of ofType(resources, "gcp:compute/backendService:BackendService")) {
      expect(inputs).toMatchObject({ loadBalancingScheme: "EXTERNAL_MANAGED", logConfig: { enable: true, sampleRate: 1 }, securityPolicy: "edge-id", customResponseHeaders: ["Strict-Transport-Security: max-age=31536000"] });
    }
  });

  it("has no Cloud Armor where that is off", async () => {
    const { resources: without } = await declare({ config: { ...ARGS.config, cloudArmor: false } });
    expect(ofType(without, "gcp:compute/securityPolicy:SecurityPolicy")).toEqual([]);
    for (const { inputs } of ofType(without, "gcp:compute/backendService:BackendService")) expect(inputs).not.toHaveProperty("securityPolicy");
  });

  it("says which records to create", () => {
    expect(dnsRecords).toEqual([
      { name: "example.com.", type: "A", data: "203.0.113.7" },
      { name: "www.example.com.", type: "A", data: "203.0.113.7" },
      { name: "_acme-challenge.example.com.", type: "CNAME", data: "abc.authorize.certificatemanager.goog." },
      { name: "_acme-challenge.www.example.com.", type: "CNAME", data: "abc.authorize.certificatemanager.goog." },
    ]);
  });
});

describe("certificates", () => {
  const served = ({ resources }: { resources: readonly RecordedResource[] }): unknown =>
    ofType(resources, "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry").map(({ inputs }) => [inputs["hostname"], inputs["certificates"]]);

  it("are a managed one for each host, with the backup standing by", async () => {
    const made = await declare();
    expect(served(made)).toEqual([
      ["example.com", ["edge-certificates-example-com-id", "edge-certificates-backup-id"]],
      ["www.example.com", ["edge-certificates-www-example-com-id", "edge-certificates-backup-id"]],
    ]);
    expect(inputsOf(made.resources, "gcp:certificatemanager/certificate:Certificate", "edge-certificates-example-com")).toMatchObject({
      managed: { domains: ["example.com"], dnsAuthorizations: ["edge-certificates-example-com-id"] },
    });
  });

  it("keep the backup's key a secret", async () => {
    const { resources } = await declare();
    const { selfManaged } = inputsOf(resources, "gcp:certificatemanager/certificate:Certificate", "edge-certificates-backup") as { selfManaged: Record<string, unknown> };
    // The envelope by which Pulumi marks what its state holds encrypted.
    expect(selfManaged).toEqual({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: { pemCertificate: "certificate", pemPrivateKey: "key" } });
  });

  it("are the backup alone after a fail-over, and the managed ones stay", async () => {
    const made = await declare({ served: "backup" });
    expect(served(made)).toEqual([
      ["example.com", ["edge-certificates-backup-id"]],
      ["www.example.com", ["edge-certificates-backup-id"]],
    ]);
    expect(ofType(made.resources, "gcp:certificatemanager/certificate:Certificate")).toHaveLength(3);
  });

  it("are managed only where there is no backup, to which nothing can fail over", async () => {
    const made = await declare({ backup: null });
    expect(served(made)).toEqual([
      ["example.com", ["edge-certificates-example-com-id"]],
      ["www.example.com", ["edge-certificates-www-example-com-id"]],
    ]);
    await expect(declare({ backup: null, served: "backup" })).rejects.toThrow(/no backup certificate/);
  });
});

describe("Cloud Armor's rules", () => {
  it("refuse attacks before the rate limit lets requests through, and end with the default", () => {
    const rules = armorRules() as { action: string; priority: number; match: { expr?: { expression: string } } }[];
    const priorities = rules.map(({ priority }) => priority);
    expect(priorities).toEqual([...priorities].sort((a, b) => a - b));
    expect(rules.map(({ action }) => action)).toEqual([...Array<string>(9).fill("deny(403)"), "throttle", "allow"]);
    expect(rules.at(-1)?.priority).toBe(2_147_483_647);
    expect(rules[0]?.match.expr?.expression).toBe("evaluatePreconfiguredWaf('sqli-v33-stable', {'sensitivity': 1})");
  });
});

describe("path routing", () => {
  const segment = fc.stringMatching(/^[a-z]{1,4}$/);
  const paths = fc.uniqueArray(fc.tuple(fc.array(segment, { minLength: 1, maxLength: 2 }), fc.boolean()).map(([parts, wild]) => `/${parts.join("/")}${wild ? "/*" : ""}`), { maxLength: 8 });

  /** Whom a request goes to, as Google's documentation says: the exact path, else the longest that ends in a star, else the fallback. */
  const target = (routing: ReturnType<typeof routingOf>, path: string): string => {
    const all = routing.rules.flatMap(({ service, paths: own }) => own.map((rule) => ({ service, rule })));
    const exact = all.find(({ rule }) => rule === path);
    const wild = all.filter(({ rule }) => rule.endsWith("/*") && path.startsWith(rule.slice(0, -1))).sort((a, b) => b.rule.length - a.rule.length)[0];
    return (exact ?? wild)?.service ?? routing.fallback;
  };

  it("sends a service everything at and below its path, and the fallback what is left", () => {
    fc.assert(
      fc.property(paths, (own) => {
        const routing = routingOf([{ service: "fallback", path: "/*" }, ...own.map((path) => ({ service: `of ${path}`, path }))]);
        for (const path of own) {
          expect(target(routing, path.replace("*", "x-1"))).toBe(`of ${path}`);
          const bare = path.replace(/\/\*$/, "");
          expect(target(routing, bare)).toBe(own.includes(bare) ? `of ${bare}` : `of ${path}`);
        }
        expect(target(routing, "/NOBODY/x")).toBe("fallback");
        const listed = routing.rules.flatMap(({ paths: rules }) => rules);
        expect(new Set(listed).size).toBe(listed.length);
      }),
    );
  });

  it("wants one service for what no other takes", () => {
    expect(() => routingOf([{ service: "a", path: "/a" }])).toThrow(/exactly one service has the path \/\*, not 0/);
    expect(() => routingOf([{ service: "a", path: "/*" }, { service: "b", path: "/*" }])).toThrow(/not 2/);
  });
});
