import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CONTENDERS } from './contenders.ts';
import type { Machine } from './machine.ts';
import { notesBefore } from './notes.ts';
import type { BenchOptions } from './options.ts';
import { writePlots } from './plots.ts';
import { METRICS, type Metric, type Sample, type Summary, summarize } from './samples.ts';
import { type CheckedTarget, checkTargets } from './targets.ts';

/** Load of a machine that does something else too. */
const BUSY = 1;

export interface Run {
  readonly startedAt: string;
  readonly options: BenchOptions;
  readonly machine: Machine;
  readonly samples: readonly Sample[];
  /** Turns that came to nothing, and why. */
  readonly failures: readonly string[];
}

/** Writes the JSON, the table beside it, and charts if they are wanted, and returns the table. */
export function writeReport(run: Run): string {
  const summaries = summarize(run.samples);
  const targets = checkTargets(summaries);
  const markdown = render(run, summaries, targets);
  const { json, plots } = run.options;
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify({ ...run, summaries, targets }, undefined, 2)}\n`);
  if (plots !== undefined) writePlots(plots, summaries);
  writeFileSync(json.replace(/\.json$/, '.md'), markdown);
  return markdown;
}

function render(
  { startedAt, options, machine, failures }: Run,
  summaries: readonly Summary[],
  targets: readonly CheckedTarget[],
): string {
  const { cpu, cores, memoryGiB, os, load, versions } = machine;
  const { rounds, seconds, connections, worker } = options;
  const paths = [...Map.groupBy(summaries, ({ path }) => path)];
  const names = paths.map(([path]) => path);
  return [
    '# Benchmark',
    `${startedAt}: ${rounds} rounds, ${seconds} s and ${connections} connections for each load, ${worker ? 'a worker' : 'no worker'} beside submissions.`,
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}; load before the start ${load.toFixed(2)}${load > BUSY ? ': others use the machine, so take no figure here for final' : ''}.`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    'Medians of the rounds, with the lowest and the highest in brackets.',
    ...paths.flatMap(([path, group], index) =>
      [`## ${path}`].concat(notesBefore(path, names.slice(0, index)), renderPath(group)),
    ),
    ...(targets.length === 0 ? [] : ['## What must hold', renderTargets(targets)]),
    ...(failures.length === 0 ? [] : ['## What failed', failures.map((failure) => `- ${failure}`).join('\n')]),
    '',
  ].join('\n\n');
}

function renderPath(group: readonly Summary[]): string {
  const metrics = [...new Set(group.map(({ metric }) => metric))];
  const names = [...new Set(group.map(({ name }) => name))];
  const figure = (name: string, metric: Metric): Summary | undefined =>
    group.find((summary) => summary.name === name && summary.metric === metric);
  const [baseline = ''] = names;
  const [main] = metrics;
  const rows = names.map((name) => {
    const own = main && figure(name, main)?.median;
    const first = main && figure(baseline, main)?.median;
    const ratio = own === undefined || first === undefined ? '' : (own / first).toFixed(2);
    const figures = metrics.map((metric) => renderFigure(figure(name, metric)));
    return [titleOf(name), figures, ratio].flat();
  });
  return table(['', ...metrics.map((metric) => METRICS[metric]), `× ${titleOf(baseline)}`], rows);
}

function renderTargets(targets: readonly CheckedTarget[]): string {
  const rows = targets.map(({ claim, value, must, holds }) => [
    claim,
    value.toFixed(2),
    'atLeast' in must ? `at least ${must.atLeast}` : `at most ${must.atMost}`,
    holds ? 'holds' : '**does not hold**',
  ]);
  return table(['', 'measured', 'must be', ''], rows);
}

const titleOf = (name: string): string => CONTENDERS.find((contender) => contender.name === name)?.title ?? name;

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
