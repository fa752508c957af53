import { median } from './statistics.ts';

/** What figures say, and their units. */
export const METRICS = {
  perSecond: 'per second',
  p50: 'p50, ms',
  p99: 'p99, ms',
  ms: 'ms',
  bytes: 'bytes for each job',
  rss: 'resident memory of the API, MiB',
  heap: 'heap of the API, MiB',
  rssEach: 'resident memory for each watcher, KiB',
  heapEach: 'heap for each watcher, KiB',
  connections: 'connections to Redis',
  apiCpu: 'CPU of the API, µs each',
  storeCpu: 'CPU of Redis, µs each',
  loadCpu: 'CPU of the load generator, µs each',
} as const;

export type Metric = keyof typeof METRICS;

/** The figures of one turn. */
export interface Sample {
  /** What was done, such as `submit`. */
  readonly path: string;
  /** Who did it. */
  readonly name: string;
  readonly figures: Readonly<Partial<Record<Metric, number>>>;
}

/** Of the figures of all turns. */
export interface Summary {
  readonly path: string;
  readonly name: string;
  readonly metric: Metric;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly turns: number;
}

// The keys of a constant of ours.
const metrics = Object.keys(METRICS) as Metric[];

/** In the order in which they were first measured. */
export function summarize(samples: readonly Sample[]): Summary[] {
  const groups = Map.groupBy(samples, ({ path, name }) => JSON.stringify([path, name]));
  return [...groups.values()].flatMap((group) =>
    metrics.flatMap((metric) => {
      const values = group.flatMap(({ figures }) => figures[metric] ?? []);
      const [first] = group;
      if (first === undefined || values.length === 0) return [];
      const spread = { min: Math.min(...values), max: Math.max(...values) };
      return [{ path: first.path, name: first.name, metric, median: median(values), ...spread, turns: values.length }];
    }),
  );
}
