import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metric, Summary } from './samples.ts';
import { type Chart, type Line, renderChart } from './svg-chart.ts';
import { GROWTH, GROWTH_ALONE, PROCESSES, WATCHERS } from './targets.ts';

interface Plot extends Omit<Chart, 'lines'> {
  readonly file: string;
  readonly lines: readonly { readonly name: string; readonly path: string; readonly metric: Metric }[];
}

const JOBS = 'pending jobs in the store';
const WATCHING = 'watchers, each following its own job';

const PLOTS: readonly Plot[] = [
  {
    file: 'growth-time.svg',
    title: 'Latency of a request, one at a time',
    xLabel: JOBS,
    yLabel: 'milliseconds (median)',
    yScale: 'log',
    lines: [
      { name: 'submit, REST', path: GROWTH_ALONE.submit, metric: 'p50' },
      { name: 'poll, REST', path: GROWTH_ALONE.pollRest, metric: 'p50' },
      { name: 'poll, GraphQL', path: GROWTH_ALONE.pollGraphql, metric: 'p50' },
      { name: 'list, REST', path: GROWTH_ALONE.list, metric: 'p50' },
      { name: 'cancel, REST', path: GROWTH_ALONE.cancel, metric: 'p50' },
    ],
  },
  {
    file: 'growth-throughput.svg',
    title: 'Throughput of one process',
    xLabel: JOBS,
    yLabel: 'requests per second',
    yScale: 'linear',
    lines: [
      { name: 'poll, REST', path: GROWTH.pollRest, metric: 'perSecond' },
      { name: 'poll, GraphQL', path: GROWTH.pollGraphql, metric: 'perSecond' },
      { name: 'list, REST', path: GROWTH.list, metric: 'perSecond' },
    ],
  },
  {
    file: 'growth-memory.svg',
    title: 'Redis memory per job',
    xLabel: JOBS,
    yLabel: 'bytes',
    yScale: 'linear',
    lines: [{ name: 'a pending job', path: GROWTH.memory, metric: 'bytes' }],
  },
  {
    file: 'watchers-memory.svg',
    title: 'Memory of the API process',
    xLabel: WATCHING,
    yLabel: 'MiB',
    yScale: 'linear',
    lines: [
      { name: 'REST, resident', path: WATCHERS.rest, metric: 'rss' },
      { name: 'REST, heap', path: WATCHERS.rest, metric: 'heap' },
      { name: 'GraphQL, resident', path: WATCHERS.graphql, metric: 'rss' },
      { name: 'GraphQL, heap', path: WATCHERS.graphql, metric: 'heap' },
    ],
  },
  {
    file: 'watchers-connections.svg',
    title: 'Connections of the API process to Redis',
    xLabel: WATCHING,
    yLabel: 'connections',
    yScale: 'linear',
    lines: [
      { name: 'REST', path: WATCHERS.rest, metric: 'connections' },
      { name: 'GraphQL', path: WATCHERS.graphql, metric: 'connections' },
    ],
  },
  {
    file: 'processes.svg',
    title: 'API processes on the same cores as Redis and the load driver',
    xLabel: 'API processes',
    yLabel: 'requests per second',
    yScale: 'linear',
    lines: [
      { name: 'poll, REST', path: PROCESSES.rest.poll, metric: 'perSecond' },
      { name: 'poll, GraphQL', path: PROCESSES.graphql.poll, metric: 'perSecond' },
      { name: 'submit, REST', path: PROCESSES.rest.submit, metric: 'perSecond' },
      { name: 'submit, GraphQL', path: PROCESSES.graphql.submit, metric: 'perSecond' },
    ],
  },
  {
    file: 'processes-cpu.svg',
    title: 'CPU time of the API per request',
    xLabel: 'API processes',
    yLabel: 'microseconds',
    yScale: 'linear',
    lines: [
      { name: 'poll, REST', path: PROCESSES.rest.poll, metric: 'apiCpu' },
      { name: 'poll, GraphQL', path: PROCESSES.graphql.poll, metric: 'apiCpu' },
      { name: 'submit, REST', path: PROCESSES.rest.submit, metric: 'apiCpu' },
      { name: 'submit, GraphQL', path: PROCESSES.graphql.submit, metric: 'apiCpu' },
    ],
  },
];

/** Writes the charts whose figures were measured. */
export function writePlots(folder: string, summaries: readonly Summary[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { file, lines, ...chart } of PLOTS) {
    const drawn = lines.map(({ name, path, metric }) => ({ name, points: pointsOf(summaries, path, metric) }));
    if (drawn.some(({ points }) => points.length > 0))
      writeFileSync(join(folder, file), renderChart({ ...chart, lines: drawn }));
  }
}

/** A name such as `1,000 jobs` begins with its place on the axis; a logarithmic axis has no 0. */
function pointsOf(summaries: readonly Summary[], path: string, metric: Metric): Line['points'] {
  return summaries
    .filter((summary) => summary.path === path && summary.metric === metric)
    .map(({ name, median, min, max }) => ({ x: Number.parseInt(name.replaceAll(',', ''), 10), y: median, min, max }))
    .filter(({ x }) => x > 0);
}
