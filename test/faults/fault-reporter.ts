import type { Reporter, TestModule } from 'vitest/node';
import type { FaultRecord } from './run-fault.ts';

/** Prints the verdicts by fault and backend as a Markdown table. */
export class FaultReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const records = tests.flatMap((test) => test.meta().fault ?? []);
    if (records.length > 0) process.stdout.write(`\n${renderTable(records)}\n`);
  }
}

const HEAD = [
  'fault',
  'backend',
  'runs',
  'accepted',
  'refused',
  'unanswered',
  'run again',
  'lost',
  'done twice',
  'refused, yet run',
  'accepts again, s',
  'works again, s',
];

function renderTable(records: readonly FaultRecord[]): string {
  const groups = Map.groupBy(records, ({ fault, backend }) => `${fault} | ${backend}`);
  const rows = [...groups].map(([name, runs]) => {
    const sum = (
      field: 'accepted' | 'refused' | 'unanswered' | 'runAgain' | 'lost' | 'doneTwice' | 'refusedYetRun',
    ): number => runs.reduce((total, run) => total + run[field], 0);
    return [
      name,
      runs.length,
      sum('accepted'),
      sum('refused'),
      sum('unanswered'),
      sum('runAgain'),
      sum('lost'),
      sum('doneTwice'),
      sum('refusedYetRun'),
      medianAndWorst(runs.flatMap(({ acceptsMs }) => acceptsMs ?? [])),
      medianAndWorst(runs.flatMap(({ worksMs }) => worksMs ?? [])),
    ].join(' | ');
  });
  const lines = [HEAD.join(' | '), HEAD.map(() => '---').join(' | '), ...rows];
  return `${lines.map((line) => `| ${line} |`).join('\n')}\n(recovery: median, worst)\n`;
}

function medianAndWorst(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const worst = sorted.at(-1);
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  return median === undefined || worst === undefined ? '' : `${seconds(median)}, ${seconds(worst)}`;
}
