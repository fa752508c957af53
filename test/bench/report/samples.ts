import { median } from './statistics.ts';

/** The metrics with their units. */
export const METRICS = {
  perSecond: 'per second',
  p50: 'p50, ms',
  p99: 'p99, ms',
  ms: 'ms',
  count: 'number',
  bytes: 'bytes per job',
  rss: 'resident memory of the API, MiB',
  heap: 'heap of the API, MiB',
  rssEach: 'resident memory per watcher, KiB',
  heapEach: 'heap per watcher, KiB',
  connections: 'connections to Redis',
  apiCpu: 'CPU of the API, µs per request',
  storeCpu: 'CPU of Redis, µs per request',
  workerCpu: 'CPU of the worker, µs per job',
  spans: 'spans received, per request or job',
  loadCpu: 'CPU of the load driver, µs per request',
} as const;

export type Metric = keyof typeof METRICS;

/** The figures of one turn. */
export interface Sample {
  /** The work, such as `submit`. */
  readonly path: string;
  /** The contender, or the size. */
  readonly name: string;
  /** Names the round and the turn: samples of one path and pair were taken shortly after one another. */
  readonly pair: string;
  readonly figures: Readonly<Partial<Record<Metric, number>>>;
}

/** Over all turns. */
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

/** In the order of the first measurement. */
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

/** Of two contenders: the median of the ratios of their paired samples, and their range. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly pairs: number;
}

/** Compares samples that were taken shortly after one another; undefined if there is no pair. */
export function pairedRatio(
  samples: readonly Sample[],
  { path, name, over, metric }: { path: string; name: string; over: string; metric: Metric },
): Ratio | undefined {
  const valuesOf = (contender: string): Map<string, number> =>
    new Map(
      samples
        .filter((sample) => sample.path === path && sample.name === contender)
        .flatMap(({ pair, figures }) => (figures[metric] === undefined ? [] : [[pair, figures[metric]] as const])),
    );
  const baseline = valuesOf(over);
  const ratios = [...valuesOf(name)].flatMap(([pair, value]) => {
    const other = baseline.get(pair);
    return other === undefined || other === 0 ? [] : [value / other];
  });
  if (ratios.length === 0) return undefined;
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios), pairs: ratios.length };
}
