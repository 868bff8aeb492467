import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { output } from "@pulumi/pulumi";
import type { Output } from "@pulumi/pulumi";

import { metricAlertSpecs } from "../../../components/gcp/watch/alert-specs";
import { logAlertSpecs } from "../../../components/gcp/watch/log-alert-specs";
import { LOG_METRICS } from "../../../components/gcp/watch/log-metrics";
import type { LogMetric } from "../../../components/gcp/watch/log-metrics";
import type { WatchTargets } from "../../../components/gcp/watch/watch-targets";

const ROOT = resolve(__dirname, "..", "..", "..");

/** Every page that a reader of the repository is led to. */
const PAGES = [...readdirSync(ROOT).filter((name) => name.endsWith(".md")), ...pagesIn("docs"), "manager/README.md"];

function pagesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? pagesIn(path) : entry.name.endsWith(".md") ? [path] : [];
  });
}

function withoutCode(page: string): string {
  return readFileSync(join(ROOT, page), "utf8").replace(/^\s*```[\s\S]*?^\s*```/gm, "");
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...withoutCode(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, text]) => text!);
  return new Set(headings.map((text) => text.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")));
}

test("every link between pages leads to a file that is there, and to a heading of it", () => {
  const broken = PAGES.flatMap((page) =>
    [...withoutCode(page).replace(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
      if (/^[a-z]+:/.test(link!)) return [];
      const [path = "", anchor] = link!.split("#");
      const target = path === "" ? page : relative(ROOT, resolve(ROOT, dirname(page), path));
      const leads = existsSync(join(ROOT, target)) && (anchor === undefined || anchorsOf(target).has(anchor));
      return leads ? [] : [`${page}: ${link!}`];
    }),
  );
  expect(broken).toEqual([]);
});

test("every alert has its section in docs/gcp.md, which its mail names, and no section is without an alert", () => {
  const everything: WatchTargets = {
    project: "example-project",
    sql: { instance: "sql", replicas: ["replica"], regional: true, maxConnections: 500, diskLimitGb: 200 },
    connectors: { names: ["a", "b"], maxInstances: 4, machineType: "e2-micro" },
    redis: ["redis"],
    clickhouse: { instanceId: "1", diskSizeGb: 100 },
    services: ["prod-backend"],
    uptimeChecks: ["check"],
  };
  const types = Object.fromEntries(Object.keys(LOG_METRICS).map((name) => [name, output(name)])) as Record<LogMetric, Output<string>>;
  const keys = [...metricAlertSpecs(everything), ...logAlertSpecs(everything, types)].map(({ key }) => `alert-${key}`);
  const sections = [...anchorsOf(join("docs", "gcp.md"))].filter((anchor) => anchor.startsWith("alert-"));
  expect(sections.sort()).toEqual(keys.sort());
});
