import { type Metric, type Sample, pairedRatio, summarize } from './samples.ts';

interface Figure {
  readonly path: string;
  readonly name: string;
  readonly metric: Metric;
}

/** A bound on a figure, or on the ratio of two. */
interface Target {
  readonly claim: string;
  readonly of: Figure;
  /** The name of the other figure. */
  readonly over?: string;
  readonly must: { readonly atLeast: number } | { readonly atMost: number };
}

export interface CheckedTarget extends Target {
  readonly value: number;
  readonly holds: boolean;
}

export const HALF_LOAD = 'submit at half load';
export const WORKER_CONCURRENCIES = [1, 10, 50, 200] as const;
export const workerPath = (concurrency: number): string => `jobs run, concurrency ${concurrency}`;
export const SIZES: readonly number[] = [1000, 100_000, 1_000_000];
export const sizeName = (size: number): string => `${size.toLocaleString('en')} jobs`;
export const GROWTH = {
  memory: 'growth: memory of Redis',
  pollGraphql: 'growth: poll, GraphQL',
  pollRest: 'growth: poll, REST',
  list: 'growth: list, REST',
} as const;
export const WATCHERS = { rest: 'watchers: REST', graphql: 'watchers: GraphQL' } as const;
export const WATCHERS_OF_ONE = {
  rest: 'watchers of one job: REST, until all received its end',
  graphql: 'watchers of one job: GraphQL, until all received its end',
} as const;
export const watchersName = (count: number): string =>
  count === 1 ? '1 watcher' : `${count.toLocaleString('en')} watchers`;
export const PROCESS_COUNTS = [1, 2] as const;
export const PROCESSES = {
  rest: { poll: 'processes: poll, REST', submit: 'processes: submit, REST' },
  graphql: { poll: 'processes: poll, GraphQL', submit: 'processes: submit, GraphQL' },
} as const;
export const processesName = (count: number): string => (count === 1 ? '1 process' : `${count} processes`);
export const TRACES = { off: 'off', leftOut: 'left out', recorded: 'recorded' } as const;
export const JOBS_TRACED = 'traces: jobs run';
export const GROWTH_ALONE = {
  submit: 'growth, one at a time: submit, REST',
  pollGraphql: 'growth, one at a time: poll, GraphQL',
  pollRest: 'growth, one at a time: poll, REST',
  list: 'growth, one at a time: list, REST',
  cancel: 'growth, one at a time: cancel, REST',
} as const;

export const OUTPUT = 'output, 1,000 pieces a second to 10 readers';

const ratio = (path: string, name: string, baseline: string, atLeast: number): Target => ({
  claim: `${path}: ${name} / ${baseline}`,
  of: { path, name, metric: 'perSecond' },
  over: baseline,
  must: { atLeast },
});

const p99 = (path: string, name: string, atMost: number): Target => ({
  claim: `${path}: p99 of ${name}, ms`,
  of: { path, name, metric: 'p99' },
  must: { atMost },
});

const APIS = ['accepted-graphql', 'accepted-rest'];
const [FEW, MANY] = [Math.min(...SIZES), Math.max(...SIZES)];

const TARGETS: readonly Target[] = [
  ratio('submit', 'accepted-graphql', 'node-http', 0.9),
  ratio('submit', 'accepted-rest', 'node-http', 0.95),
  ratio('submit', 'accepted-graphql', 'yoga', 2.5),
  ratio('submit', 'accepted-graphql', 'mercurius', 1.15),
  ratio('poll, pending', 'accepted-graphql', 'yoga', 3),
  ratio('poll, done', 'accepted-graphql', 'node-http', 1.5),
  ...APIS.flatMap((name) => [
    p99('submit', name, 100),
    {
      claim: `submit: p99 of ${name} / node-http`,
      of: { path: 'submit', name, metric: 'p99' } as const,
      over: 'node-http',
      must: { atMost: 1.5 },
    },
    p99(HALF_LOAD, name, 20),
  ]),
  ...['accepted-wait', 'accepted-events'].map((name) => ({
    claim: `submission to pushed result: ${name} / bare`,
    of: { path: 'push', name, metric: 'p50' } as const,
    over: 'bare',
    must: { atMost: 1.5 },
  })),
  ...['events', 'lines', 'subscription'].map((way) => p99(OUTPUT, `accepted-${way}`, 50)),
  ...WORKER_CONCURRENCIES.map((concurrency) => ratio(workerPath(concurrency), 'accepted', 'bare', 0.8)),
  ...[GROWTH.pollGraphql, GROWTH.pollRest].map((path) => ratio(path, sizeName(MANY), sizeName(FEW), 0.9)),
];

/** Checks the targets whose figures were measured: by medians, and ratios turn by turn. */
export function checkTargets(samples: readonly Sample[]): CheckedTarget[] {
  const summaries = summarize(samples);
  return TARGETS.flatMap((target) => {
    const { path, name, metric } = target.of;
    const value =
      target.over === undefined
        ? summaries.find((summary) => summary.path === path && summary.name === name && summary.metric === metric)
            ?.median
        : pairedRatio(samples, { path, name, metric, over: target.over })?.median;
    if (value === undefined) return [];
    const holds = 'atLeast' in target.must ? value >= target.must.atLeast : value <= target.must.atMost;
    return [{ ...target, value, holds }];
  });
}
