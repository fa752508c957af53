import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BenchOptions } from '../options.ts';
import type { Machine } from './machine.ts';
import { writePlots } from './plots.ts';
import { METRICS, type Metric, type Ratio, type Sample, type Summary, pairedRatio, summarize } from './samples.ts';
import { type CheckedTarget, checkTargets } from './targets.ts';

/** A load average above this means that other programs use the machine. */
const BUSY = 1;
/** In which this project is compared with the commit before. */
const COMPARED = ['perSecond', 'p50', 'p99', 'apiCpu'] as const;

export interface Run {
  readonly startedAt: string;
  readonly options: BenchOptions;
  readonly machine: Machine;
  readonly samples: readonly Sample[];
  readonly failures: readonly string[];
}

/** Notes on the figures, by the beginning of their paths. */
const NOTES: Readonly<Record<string, string>> = {
  growth:
    'All jobs in the store are pending: no worker runs. Each size has a Redis and an API process of its own, and they alternate. Polls cover 20,000 jobs spread over the whole store, or all that there are; so do cancellations.',
  watchers:
    'One API process. Memory is read after a garbage collection. The start leaves unused room in the resident memory, so the memory per watcher appears from a thousand watchers on.',
  processes:
    'Processes of `start:api` on one Redis, each on its own port with its share of the connections. They share the cores of this machine with Redis and the load driver: where the CPU time of a request, API, Redis and driver together, times the throughput comes near to the number of cores, the machine is the limit. The CPU time of the API per request shows what another core would add.',
  traces:
    'Processes with traces off, left out by the sampler, and recorded and sent to a receiver of the bench. In `left out by the client`, each request has a `traceparent` that is not sampled, which all processes keep with the job.',
  overload:
    'The load is open: requests come whether or not earlier ones have replies. The driver drops those that are due while 4,000 are in flight.',
};

/** Writes the JSON, the table beside it, and the charts if wanted, and returns the table. */
export function writeReport(run: Run): string {
  const summaries = summarize(run.samples);
  const targets = checkTargets(run.samples);
  const markdown = render(run, summaries, targets);
  const { json, plots } = run.options;
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify({ ...run, summaries, targets }, undefined, 2)}\n`);
  if (plots !== undefined) writePlots(plots, summaries);
  writeFileSync(json.replace(/\.json$/, '.md'), markdown);
  return markdown;
}

function render(run: Run, summaries: readonly Summary[], targets: readonly CheckedTarget[]): string {
  const { startedAt, machine, samples, failures } = run;
  const { cpu, cores, memoryGiB, os, load, versions } = machine;
  const { rounds, turns, seconds, connections, contenders, against } = run.options;
  const titles = new Map(contenders.map(({ name, title }) => [name, title]));
  const comparison = compare(samples);
  let notes = Object.entries(NOTES);
  const noteOn = (path: string): string[] => {
    const [own, others] = [
      notes.filter(([key]) => path.startsWith(key)),
      notes.filter(([key]) => !path.startsWith(key)),
    ];
    notes = others;
    return own.map(([, text]) => text);
  };
  return [
    '# Benchmark',
    `${startedAt}: ${rounds} rounds of ${turns} turns, ${seconds} s and ${connections} connections per load.`,
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}; load average before the start ${load.toFixed(2)}${load > BUSY ? ': other programs use the machine, so rely on ratios alone' : ''}.`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    'Medians of all turns, with the range in brackets. The last column is the median of the ratios to the first row, turn by turn.',
    ...[...Map.groupBy(summaries, ({ path }) => path)].flatMap(([path, group]) =>
      [`## ${path}`].concat(noteOn(path), renderPath(group, samples, titles)),
    ),
    ...(comparison.length === 0
      ? []
      : [`## Accepted / before (${against})`, 'Medians of the ratios turn by turn.', renderComparison(comparison)]),
    ...(targets.length === 0 ? [] : ['## Targets', renderTargets(targets)]),
    ...(failures.length === 0 ? [] : ['## Failures', failures.map((failure) => `- ${failure}`).join('\n')]),
    '',
  ].join('\n\n');
}

function renderPath(
  group: readonly Summary[],
  samples: readonly Sample[],
  titles: ReadonlyMap<string, string>,
): string {
  const metrics = [...new Set(group.map(({ metric }) => metric))];
  const names = [...new Set(group.map(({ name }) => name))];
  const [over = ''] = names;
  const [main = 'perSecond'] = metrics;
  const path = group[0]?.path ?? '';
  const rows = names.map((name) => {
    const figures = metrics.map((metric) =>
      renderFigure(group.find((summary) => summary.name === name && summary.metric === metric)),
    );
    const ratio = pairedRatio(samples, { path, name, over, metric: main });
    return [titles.get(name) ?? name, figures, ratio === undefined ? '' : ratio.median.toFixed(2)].flat();
  });
  return table(['', ...metrics.map((metric) => METRICS[metric]), `× ${titles.get(over) ?? over}`], rows);
}

interface Compared {
  readonly path: string;
  readonly name: string;
  readonly ratios: ReadonlyMap<Metric, Ratio>;
}

/** Pairs `accepted…` with `before…`. */
function compare(samples: readonly Sample[]): Compared[] {
  const rows = new Map(samples.map(({ path, name }) => [JSON.stringify([path, name]), { path, name }]));
  return [...rows.values()].flatMap(({ path, name }) => {
    if (!name.startsWith('accepted')) return [];
    const over = name.replace('accepted', 'before');
    const ratios = COMPARED.flatMap((metric) => {
      const ratio = pairedRatio(samples, { path, name, over, metric });
      return ratio === undefined ? [] : [[metric, ratio] as const];
    });
    return ratios.length === 0 ? [] : [{ path, name, ratios: new Map(ratios) }];
  });
}

function renderComparison(compared: readonly Compared[]): string {
  const rows = compared.map(({ path, name, ratios }) => [
    `${path}: ${name}`,
    ...COMPARED.map((metric) => {
      const ratio = ratios.get(metric);
      return ratio && `${ratio.median.toFixed(3)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}, n=${ratio.pairs})`;
    }),
  ]);
  return table(
    ['', ...COMPARED.map((metric) => METRICS[metric])],
    rows.map((row) => row.map((cell) => cell ?? '')),
  );
}

function renderTargets(targets: readonly CheckedTarget[]): string {
  const rows = targets.map(({ claim, value, must, holds }) => [
    claim,
    value.toFixed(2),
    'atLeast' in must ? `at least ${must.atLeast}` : `at most ${must.atMost}`,
    holds ? 'met' : '**missed**',
  ]);
  return table(['', 'measured', 'target', ''], rows);
}

function renderFigure(summary: Summary | undefined): string {
  if (summary === undefined) return '';
  const { median, min, max, turns } = summary;
  return turns === 1 ? round(median) : `${round(median)} (${round(min)}–${round(max)})`;
}

const round = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
