import { output } from "@pulumi/pulumi";

import { metricAlertSpecs } from "../../../components/gcp/watch/alert-specs";
import { dashboardJson } from "../../../components/gcp/watch/dashboard-json";
import type { Chart } from "../../../components/gcp/watch/dashboard-json";
import { LogMetrics, LOG_METRICS } from "../../../components/gcp/watch/log-metrics";
import { uptimeSpecs } from "../../../components/gcp/watch/uptime";
import { Watch } from "../../../components/gcp/watch/watch";
import type { WatchArgs } from "../../../components/gcp/watch/watch";
import { metricOf } from "../../../components/gcp/watch/watch-targets";
import { recordResources } from "../../support/pulumi-mocks";
import { inputsOf, ofType, record } from "./data-fixtures";
import fc from "../../support/fast-check";

const TARGETS: WatchArgs["targets"] = {
  project: "example-project",
  sql: { instance: "sql-1a2b3c4", replicas: ["sql-replica-0"], regional: true, maxConnections: 400, diskLimitGb: 200 },
  connectors: { names: ["egress-a-1", "egress-b-1"], maxInstances: 4, machineType: "e2-micro" },
  redis: ["projects/example-project/locations/europe-west1/instances/redis-backend"],
  clickhouse: { instanceId: "4711", diskSizeGb: 100 },
  services: ["prod-backend", "prod-frontend"],
};

/** Only the database: no replica, no standby, nothing else on. */
const LEAST: WatchArgs["targets"] = { project: "example-project", sql: { ...TARGETS.sql, replicas: [], regional: false }, connectors: null, redis: [], clickhouse: null, services: [] };

const EDGE: NonNullable<WatchArgs["edge"]> = {
  domains: ["example.com", "www.example.com"],
  services: [
    { name: "frontend", path: "/*", healthPath: "/health" },
    { name: "backend", path: "/api/*", healthPath: "/live" },
  ],
};

const declare = (changes: Partial<WatchArgs> = {}) =>
  recordResources(
    () => {
      const logMetrics = new LogMetrics("log-metrics");
      new Watch("watch", { stack: "prod", config: { emails: ["on-call@example.com"] }, targets: TARGETS, edge: EDGE, logMetrics, ...changes });
    },
    (type, name) => (type.endsWith(":UptimeCheckConfig") ? { name, uptimeCheckId: name } : { name }),
  );

interface Policy {
  readonly conditions: readonly {
    readonly conditionThreshold?: { readonly filter: string; readonly comparison: string; readonly thresholdValue: number; readonly duration: string };
    readonly conditionAbsent?: { readonly filter: string };
    readonly conditionMatchedLog?: { readonly filter: string };
  }[];
  readonly alertStrategy: Readonly<Record<string, unknown>>;
  readonly documentation: { readonly content: string };
  readonly notificationChannels: readonly string[];
  readonly userLabels: Readonly<Record<string, string>>;
  readonly severity: string;
}

const policiesOf = (resources: Awaited<ReturnType<typeof declare>>): Map<string, Policy> =>
  new Map(ofType(resources, "gcp:monitoring/alertPolicy:AlertPolicy").map(({ name, inputs }) => [name.replace("watch-alerts-", ""), inputs as unknown as Policy]));

describe("the alerts", () => {
  let policies: Map<string, Policy>;
  beforeAll(async () => {
    policies = policiesOf(await declare());
  });

  it("are those of what is on", async () => {
    const database = ["connections", "failed-logins", "firewall-changes", "network-changes", "route-changes", "sql-changes", "sql-cpu", "sql-disk", "sql-down", "sql-memory", "transaction-ids"];
    const more = ["certificate", "certificate-log", "clickhouse-disk", "clickhouse-down", "connector", "redis-memory", "replica-lag", "service-errors", "standby", "uptime"];
    expect([...policies.keys()].sort()).toEqual([...database, ...more].sort());
    expect([...policiesOf(await declare({ targets: LEAST, edge: null })).keys()]).toEqual(database);
  });

  it("each say what they mean, what to do and where more is said, and are sent to the people named", () => {
    for (const [key, { documentation, notificationChannels, userLabels, severity }] of policies) {
      expect(documentation.content).toMatch(/^.{40,}\n\n\*\*What to do:\*\* .{40,}\n\n/);
      expect(documentation.content).toMatch(new RegExp(`docs/gcp\\.md#alert-${key}$`));
      expect(notificationChannels).toEqual(["watch-alerts-on-call@example.com-id"]);
      expect(userLabels).toEqual({ "bulkhead-stack": "prod" });
      expect(["CRITICAL", "WARNING"]).toContain(severity);
    }
  });

  it("fire at four fifths of the connections, of all databases together", () => {
    expect(policies.get("connections")?.conditions[0]?.conditionThreshold).toEqual({
      filter:
        'resource.type="cloudsql_database" AND metric.type="cloudsql.googleapis.com/database/postgresql/num_backends" AND resource.labels.database_id=one_of("example-project:sql-1a2b3c4","example-project:sql-replica-0")',
      comparison: "COMPARISON_GT",
      thresholdValue: 320,
      duration: "300s",
      trigger: { count: 1 },
      aggregations: [{ alignmentPeriod: "60s", perSeriesAligner: "ALIGN_MAX", crossSeriesReducer: "REDUCE_SUM", groupByFields: ["resource.label.database_id"] }],
    });
  });

  it("compare the disk with the limit of its growth, and a connector with what all of its instances carry", () => {
    expect(policies.get("sql-disk")?.conditions[0]?.conditionThreshold?.thresholdValue).toBe(160 * 2 ** 30);
    expect(policies.get("connector")?.conditions.map(({ conditionThreshold }) => conditionThreshold?.thresholdValue)).toEqual([40e6, 40e6, 3.5]);
  });

  it("name a resource type in every filter on metrics, without which Monitoring refuses them, and whole minutes", () => {
    for (const { conditions } of policies.values()) {
      expect(conditions.length).toBeLessThanOrEqual(6);
      for (const { conditionThreshold, conditionAbsent } of conditions) {
        const condition = conditionThreshold ?? conditionAbsent;
        if (condition === undefined) continue;
        expect(condition.filter).toMatch(/^resource\.type="[a-z_]+" AND metric\.type="[^"]+"/);
        expect(condition.filter).not.toMatch(/undefined|Output|\[object/);
      }
      for (const { conditionThreshold } of conditions) if (conditionThreshold !== undefined) expect(Number.parseInt(conditionThreshold.duration, 10) % 60).toBe(0);
    }
  });

  it("have a rate limit exactly where they fire at log entries, and end after a day without news", () => {
    for (const [key, { alertStrategy }] of policies) {
      expect(alertStrategy).toEqual({ autoClose: "86400s", ...(key === "certificate-log" ? { notificationRateLimit: { period: "3600s" } } : {}) });
    }
    expect(policies.get("certificate-log")?.conditions[0]?.conditionMatchedLog?.filter).toBe(
      'logName="projects/example-project/logs/certificatemanager.googleapis.com%2Fcertificates_expiry" AND jsonPayload.state=("CLOSE_TO_EXPIRY" OR "EXPIRED")',
    );
  });

  it("count what the log metrics count, failed logins for this stack's instance only", () => {
    expect(policies.get("failed-logins")?.conditions[0]?.conditionThreshold?.filter).toBe(
      'resource.type="cloudsql_database" AND metric.type="logging.googleapis.com/user/log-metrics-failed-logins" AND resource.labels.database_id="example-project:sql-1a2b3c4"',
    );
    expect(policies.get("firewall-changes")?.conditions[0]?.conditionThreshold).toMatchObject({
      filter: 'resource.type="gce_firewall_rule" AND metric.type="logging.googleapis.com/user/log-metrics-firewall-changes"',
      thresholdValue: 0,
      duration: "0s",
    });
  });

  it("go nowhere but to the console where nobody is named", async () => {
    const resources = await declare({ config: { emails: [] } });
    expect(ofType(resources, "gcp:monitoring/notificationChannel:NotificationChannel")).toEqual([]);
    for (const { notificationChannels } of policiesOf(resources).values()) expect(notificationChannels).toEqual([]);
  });

  it("have thresholds that a healthy stack is under", () => {
    const shares = metricAlertSpecs({ ...TARGETS, uptimeChecks: [] })
      .flatMap(({ conditions }) => conditions)
      .flatMap((condition) => (condition.kind === "above" ? [condition.threshold] : []));
    for (const share of shares) expect(share).toBeGreaterThan(0);
  });
});

describe("the log metrics", () => {
  it("are what CIS 2.7, 2.8, 2.9 and 2.11 ask for, and the refused logins", async () => {
    const resources = await record(() => new LogMetrics("log-metrics"));
    const metrics = ofType(resources, "gcp:logging/metric:Metric");
    expect(metrics).toHaveLength(Object.keys(LOG_METRICS).length);
    for (const { inputs } of metrics) expect(inputs).toMatchObject({ disabled: false, metricDescriptor: { metricKind: "DELTA", valueType: "INT64" } });
    expect(inputsOf(resources, "gcp:logging/metric:Metric", "log-metrics-sql-changes")["filter"]).toContain('protoPayload.methodName="cloudsql.instances.update"');
    expect(inputsOf(resources, "gcp:logging/metric:Metric", "log-metrics-failed-logins")["filter"]).toContain('textPayload:"password authentication failed"');
  });
});

describe("the uptime checks", () => {
  it("ask each host for the health of the service behind it, and the main one for the other paths", () => {
    expect(uptimeSpecs(EDGE)).toEqual([
      { key: "host-example-com", host: "example.com", path: "/health", accepted: ["STATUS_CLASS_2XX", "STATUS_CLASS_3XX"] },
      { key: "host-www-example-com", host: "www.example.com", path: "/health", accepted: ["STATUS_CLASS_2XX", "STATUS_CLASS_3XX"] },
      { key: "path-backend", host: "example.com", path: "/api/", accepted: ["STATUS_CLASS_2XX", "STATUS_CLASS_3XX", "STATUS_CLASS_4XX"] },
    ]);
  });

  it("go over TLS, and see that the certificate is valid", async () => {
    const checks = ofType(await declare(), "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig");
    expect(checks).toHaveLength(3);
    for (const { inputs } of checks) expect(inputs).toMatchObject({ httpCheck: { useSsl: true, validateSsl: true, port: 443 }, monitoredResource: { type: "uptime_url", labels: { project_id: "example-project" } } });
  });
});

describe("the dashboard", () => {
  it("shows what is on, and stands still where nothing changes", async () => {
    const of = async (targets: WatchArgs["targets"]): Promise<{ mosaicLayout: { tiles: { widget: { title: string } }[] } }> =>
      JSON.parse(inputsOf(await declare({ targets }), "gcp:monitoring/dashboard:Dashboard")["dashboardJson"] as string) as never;
    const titles = (await of(TARGETS)).mosaicLayout.tiles.map(({ widget }) => widget.title);
    expect(titles).toEqual(expect.arrayContaining(["Postgres: CPU", "Postgres: replicas' lag, seconds", "Services: instances", "Connectors: bytes sent a second", "Redis: memory", "ClickHouse: CPU"]));
    expect((await of(LEAST)).mosaicLayout.tiles).toHaveLength(5);
    expect(await of(TARGETS)).toEqual(await of(TARGETS));
  });

  it("puts no tile on another, and none outside", () => {
    const charts = fc.array(fc.record<Chart>({ title: fc.string(), filter: fc.string(), aligner: fc.constant("ALIGN_MEAN"), sumBy: fc.option(fc.string()), threshold: fc.option(fc.integer()) }), { maxLength: 40 });
    fc.assert(
      fc.property(charts, (some) => {
        const { mosaicLayout } = JSON.parse(dashboardJson("Bulkhead", some)) as { mosaicLayout: { columns: number; tiles: { xPos: number; yPos: number; width: number; height: number }[] } };
        const cells = mosaicLayout.tiles.map(({ xPos, yPos }) => `${xPos},${yPos}`);
        expect(new Set(cells).size).toBe(some.length);
        for (const { xPos, yPos, width, height } of mosaicLayout.tiles) {
          expect(xPos % width).toBe(0);
          expect(yPos % height).toBe(0);
          expect(xPos + width).toBeLessThanOrEqual(mosaicLayout.columns);
        }
      }),
    );
  });
});

describe("a metric's filter", () => {
  it("names one value as it is and several as any of them", async () => {
    const text = (filter: ReturnType<typeof metricOf>): Promise<string> => new Promise((resolve) => filter.apply(resolve));
    expect(await text(metricOf("m", "r", { "resource.labels.x": [output("1")] }))).toBe('resource.type="r" AND metric.type="m" AND resource.labels.x="1"');
    expect(await text(metricOf("m", "r", { "resource.labels.x": ["1", output("2")] }))).toBe('resource.type="r" AND metric.type="m" AND resource.labels.x=one_of("1","2")');
    expect(await text(metricOf("m", "r"))).toBe('resource.type="r" AND metric.type="m"');
  });
});
