/**
 * Counters and histograms to which an observation is an addition in memory, for what each request and each job reports: prom-client sorts
 * and joins all labels at each observation, which takes ten times as long.
 */

export interface TallyOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

export interface HistogramOptions extends TallyOptions {
  /** Upper bounds, in ascending order. */
  readonly buckets: readonly number[];
}

/** The values of labels, in the order of their names. Their number must be bounded: what was counted is kept. */
type Values = readonly string[];

export interface Tallies {
  /** @returns adds to the counter of a set of labels */
  addCounter(options: TallyOptions): (values: Values, amount?: number) => void;
  /** @returns observes a value under a set of labels */
  addHistogram(options: HistogramOptions): (values: Values, value: number) => void;
  /** Prometheus's text format. */
  render(): string;
}

export function createTallies(): Tallies {
  const metrics: (() => string)[] = [];
  return {
    addCounter(options) {
      const tree = createTree(options.labelNames, () => ({ count: 0 }));
      metrics.push(() =>
        toText(
          options,
          'counter',
          tree.leaves.map(([labels, { count }]) => `${options.name}{${labels}} ${count}`),
        ),
      );
      return (values, amount = 1) => {
        tree.find(values).count += amount;
      };
    },
    addHistogram(options) {
      const { buckets } = options;
      const tree = createTree(options.labelNames, () => ({ counts: new Float64Array(buckets.length + 1), sum: 0 }));
      metrics.push(() =>
        toText(
          options,
          'histogram',
          tree.leaves.flatMap(([labels, tally]) => toSamples(options, labels, tally)),
        ),
      );
      return (values, value) => {
        const tally = tree.find(values);
        const index = buckets.findIndex((bound) => value <= bound);
        const bucket = index === -1 ? buckets.length : index;
        tally.counts[bucket] = (tally.counts[bucket] ?? 0) + 1;
        tally.sum += value;
      };
    },
    render: () => metrics.map((toMetric) => toMetric()).join('\n'),
  };
}

interface Branch<Tally> {
  readonly branches: Map<string, Branch<Tally>>;
  tally: Tally | undefined;
}

const newBranch = <Tally>(): Branch<Tally> => ({ branches: new Map(), tally: undefined });

/** Finds what was counted for a set of labels, one value after the other. */
function createTree<Tally>(labelNames: readonly string[], create: () => Tally) {
  const root = newBranch<Tally>();
  /** The labels as Prometheus reads them. */
  const leaves: (readonly [labels: string, tally: Tally])[] = [];

  function addLeaf(values: Values): Tally {
    const tally = create();
    leaves.push([labelNames.map((name, index) => `${name}="${escapeValue(values[index] ?? '')}"`).join(','), tally]);
    return tally;
  }

  return {
    leaves,
    find(values: Values): Tally {
      let branch = root;
      for (const value of values) {
        let next = branch.branches.get(value);
        if (next === undefined) branch.branches.set(value, (next = newBranch()));
        branch = next;
      }
      return (branch.tally ??= addLeaf(values));
    },
  };
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

interface Distribution {
  /** Of each bucket alone, and above the last one. */
  readonly counts: Float64Array;
  sum: number;
}

function toSamples({ name, buckets }: HistogramOptions, labels: string, { counts, sum }: Distribution): string[] {
  let count = 0;
  const ofBuckets = Array.from(counts, (inBucket, index) => {
    count += inBucket;
    return `${name}_bucket{le="${buckets[index] ?? '+Inf'}",${labels}} ${count}`;
  });
  return [...ofBuckets, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`];
}

function toText({ name, help }: TallyOptions, type: 'counter' | 'histogram', samples: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples, ''].join('\n');
}
