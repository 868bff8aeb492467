/** One value with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of histograms: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string;
}

/** The media type of what `PrometheusText` writes. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Writes Prometheus' text exposition format, version 0.0.4. */
export class PrometheusText {
  readonly #lines: string[] = [];

  /** A metric with all its samples; none are no metric. Names and labels are the program's own; values of labels may be anything. */
  add(name: string, type: "counter" | "gauge" | "histogram", help: string, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    this.#lines.push(`# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}`, `# TYPE ${name} ${type}`);
    for (const { labels, value, suffix = "" } of samples) this.#lines.push(`${name}${suffix}${labelsText(labels)} ${numberText(value)}`);
  }

  toString(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  return `{${entries.map(([name, value]) => `${name}="${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`).join(",")}}`;
}

function numberText(value: number): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}
