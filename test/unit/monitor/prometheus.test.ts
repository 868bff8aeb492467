import { renderPrometheus } from "../../../manager/src/monitor";
import { PrometheusText } from "../../../manager/src/monitor/prometheus-text";
import { Traffic } from "./traffic";
import fc from "../../support/fast-check";

/** A line of the format: a name, labels whose values escape \, " and line ends, a number. */
const LINE = /^(# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (?:-?\d[\d.e+-]*|NaN|[+-]Inf))$/;

function busy(name: string): Traffic {
  const traffic = new Traffic({ name, sqlParser: false });
  const { monitor } = traffic;
  for (const ms of [0.5, 3, 30, 20_000]) monitor.onQuery('SELECT "a""b" FROM "we\nird" WHERE x = \'secret\'', ms, undefined);
  monitor.onQuery("SELECT 1", 1, Object.assign(new Error("no"), { code: "42P01", severity: "ERROR" }));
  monitor.onAcquire(2);
  monitor.onRelease(8);
  monitor.onConnect(20);
  monitor.onRemove("idle");
  monitor.onAcquireError(5_000, Object.assign(new Error("no"), { code: "POOL_ACQUIRE_TIMEOUT" }));
  return traffic;
}

test("every line is of the format, also with names of all kinds, and holds no constant", async () => {
  const text = await renderPrometheus([busy('main "one"').monitor, busy("back\\slash\n").monitor]);
  expect(text.endsWith("\n")).toBe(true);
  for (const line of text.trimEnd().split("\n")) expect(line).toMatch(LINE);
  expect(text).not.toContain("secret");
});

test("each metric is announced once, however many pools there are", async () => {
  const text = await renderPrometheus([busy("a").monitor, busy("b").monitor]);
  const types = text.split("\n").filter((line) => line.startsWith("# TYPE"));
  expect(new Set(types).size).toBe(types.length);
  expect(text).toContain('db_client_connection_max{db_client_connection_pool_name="a"} 20\n');
  expect(text).toContain('db_client_connection_max{db_client_connection_pool_name="b"} 20\n');
});

test("histograms are cumulative, in seconds, and end with all", async () => {
  const text = await renderPrometheus([busy("a").monitor]);
  const bucket = (le: string): string => `db_client_operation_duration_seconds_bucket{db_client_connection_pool_name="a",le="${le}"}`;
  expect(text).toContain(`${bucket("0.001")} 2\n`);
  expect(text).toContain(`${bucket("0.005")} 3\n`);
  expect(text).toContain(`${bucket("0.05")} 4\n`);
  expect(text).toContain(`${bucket("10")} 4\n`);
  expect(text).toContain(`${bucket("+Inf")} 5\n`);
  expect(text).toContain('db_client_operation_duration_seconds_sum{db_client_connection_pool_name="a"} 20.0345\n');
  expect(text).toContain('bulkhead_query_errors_total{db_client_connection_pool_name="a",error_type="42P01"} 1\n');
  expect(text).toContain('db_client_connection_timeouts_total{db_client_connection_pool_name="a"} 1\n');
});

test("a thousand statements give at most 50 series a metric", async () => {
  const { monitor } = new Traffic({ sqlParser: false });
  for (let table = 0; table < 1_000; table++) monitor.onQuery(`SELECT a FROM t${table}`, 1, undefined);
  const lines = (await renderPrometheus([monitor])).split("\n");
  expect(lines.filter((line) => line.startsWith("bulkhead_statement_calls_total"))).toHaveLength(50);
});

test("any label value stays in its line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      const text = new PrometheusText();
      text.add("a", "gauge", "help\nwith \\ lines", [{ labels: { label: value }, value: Infinity }]);
      const lines = text.toString().split("\n");
      expect(lines).toHaveLength(4);
      expect(lines[2]).toMatch(/^a\{label="(?:[^"\\\n]|\\["\\n])*"\} \+Inf$/s);
    }),
  );
});
