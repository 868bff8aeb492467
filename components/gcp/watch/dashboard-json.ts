/** One chart of a dashboard. */
export interface Chart {
  readonly title: string;
  /** Metric and resource; see `metricOf`. */
  readonly filter: string;
  readonly aligner: "ALIGN_MEAN" | "ALIGN_MAX" | "ALIGN_RATE" | "ALIGN_PERCENTILE_99";
  /** Series are added up by this label; null to show each. */
  readonly sumBy: string | null;
  /** A line where the alert is, in the metric's unit; null for none. */
  readonly threshold: number | null;
}

/** Three in a row of Monitoring's 12 columns. */
const COLUMNS = 12;
const WIDTH = 4;
const HEIGHT = 4;

/** A dashboard in the form that Monitoring's API takes, as text. The same charts give the same text, so that nothing changes where nothing did. */
export function dashboardJson(title: string, charts: readonly Chart[]): string {
  return JSON.stringify({
    displayName: title,
    mosaicLayout: {
      columns: COLUMNS,
      tiles: charts.map((chart, index) => ({
        xPos: (index * WIDTH) % COLUMNS,
        yPos: Math.floor((index * WIDTH) / COLUMNS) * HEIGHT,
        width: WIDTH,
        height: HEIGHT,
        widget: widget(chart),
      })),
    },
  });
}

function widget({ title, filter, aligner, sumBy, threshold }: Chart): object {
  return {
    title,
    xyChart: {
      dataSets: [
        {
          plotType: "LINE",
          targetAxis: "Y1",
          timeSeriesQuery: {
            timeSeriesFilter: {
              filter,
              aggregation: { alignmentPeriod: "60s", perSeriesAligner: aligner, ...(sumBy === null ? {} : { crossSeriesReducer: "REDUCE_SUM", groupByFields: [sumBy] }) },
            },
          },
        },
      ],
      ...(threshold === null ? {} : { thresholds: [{ value: threshold, targetAxis: "Y1" }] }),
    },
  };
}
